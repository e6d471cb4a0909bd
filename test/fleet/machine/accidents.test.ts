// What can happen to a move, and what becomes of the guest: it runs once, or it is said to be lost.
import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it, type TestContext } from 'vitest';
import { findQemu } from '../../../lib/fleet/drivers/qmp/destination-qemu.js';
import type { EntryOf, FleetEntry } from '../../../lib/fleet/journal/entries.js';
import { stateOf } from '../../../lib/fleet/journal/state.js';
import { mebibyte } from '../../../lib/format/bytes.js';
import { QmpClient } from '../../../lib/qmp/client.js';
import { isAlive } from '../../../lib/system/owner.js';
import { fakedirty } from '../../cli/fakedirty.js';
import { DrainProcess, SiteJournal } from '../../harness/drain-process.js';
import { LineCounter, QmpProxy } from '../../harness/qmp-proxy.js';
import { needQemu } from '../../harness/requirements.js';
import { smallFileSystem } from '../../harness/small-file-system.js';
import { guestAt, SmallSite, type SmallSiteOptions } from '../../harness/small-site.js';

/** So many bytes, over so slow a link, take two seconds. */
const slow = { pattern: 'rewrite', pages: 3000, spins: 500 } as const;

interface OneVm {
  readonly site: SmallSite;
  readonly journal: SiteJournal;
}

/** One VM on h1, which takes a while to be moved. */
async function oneVm(context: TestContext, more: Partial<SmallSiteOptions> = {}): Promise<OneVm> {
  const { binary } = needQemu(context);
  const vms = { web: { host: 'h1', guest: slow } };
  const site = await SmallSite.start(context, { binary, vms, megabitsPerSecond: 50, ...more });
  return { site, journal: new SiteJournal(site) };
}

const { FAKEDIRTY_LONG } = process.env;
const isLong = FAKEDIRTY_LONG === '1';

const isMigrating = (entry: FleetEntry) => entry.type === 'seen' && entry.source === 'ours';

function lastEnd({ entries }: SiteJournal): EntryOf<'ended'> | undefined {
  return entries.findLast((entry) => entry.type === 'ended');
}

/** The guest runs where it was, unharmed, and nothing is left where it was to go. */
async function expectStayed({ site, journal }: OneVm): Promise<void> {
  expect(existsSync(`/proc/${site.firstPid('web')}`)).toBe(true);
  const one = await guestAt(site.folderOf('web'));
  expect(one.wrongWords).toBe(0);
  for (const host of ['h2', 'h3']) expect(readdirSync(site.folder(host))).toEqual([]);
  const attempts = journal.entries.filter((entry) => entry.type === 'attempt');
  for (const { destination } of attempts) {
    if (destination.driver === 'qmp' && destination.process) {
      expect(isAlive(destination.process)).toBe(false);
    }
  }
}

it('a destination that does not start leaves the VM where it is', async (context) => {
  const one = await oneVm(context, { more: { h2: { qemu: '/bin/false' }, h3: { memory: 1 } } });
  const { end } = new DrainProcess(context, one.site, ['drain', 'h1']);
  const { code, output } = await end;
  expect(output).toMatch(/QEMU ended while it started/);
  expect(code).toBe(11);
  await expectStayed(one);
});

it('a destination with other memory is refused before anything is sent', async (context) => {
  const one = await oneVm(context);
  const { web } = one.site.site.vms;
  const bytes = web?.memoryBytes ?? 0;
  const more = bytes + mebibyte;
  one.site.rewrite((text) =>
    text
      .replace(`size=${bytes}`, `size=${more}`)
      .replace(`"${bytes / 1024}k"`, `"${more / 1024}k"`),
  );
  const { code, output } = await new DrainProcess(context, one.site, ['drain', 'h1']).end;
  expect(output).toMatch(/The source has \d+ MiB of memory, and the destination \d+ MiB/);
  expect(code).toBe(11);
  await expectStayed(one);
});

it('a link that goes down gives the move up, and the VM stays', async (context) => {
  const one = await oneVm(context);
  const namespace = one.site.namespace('h1');
  const running = new DrainProcess(context, one.site, ['drain', 'h1', '--stall', '2s']);
  await one.journal.until(0, isMigrating);
  spawnSync('ip', ['-n', namespace, 'link', 'set', 'nic', 'down']);
  const { code, output } = await running.end;
  expect(output).toMatch(/Nothing was sent for 2 s: is the link down\?/);
  expect(code).toBe(11);
  await expectStayed(one);
  // It works again when the link does.
  spawnSync('ip', ['-n', namespace, 'link', 'set', 'nic', 'up']);
  const again = await new DrainProcess(context, one.site, ['drain', 'h1']).end;
  expect(again.code, again.output).toBe(0);
});

it('a link that goes down while the guest stands still for the switch has it run at the source again soon', async (context) => {
  const one = await oneVm(context, { megabitsPerSecond: 10 });
  const namespace = one.site.namespace('h1');
  const how = ['drain', 'h1', '--stall', '2s', '--downtime', '15s'];
  const running = new DrainProcess(context, one.site, how);
  // QEMU talks to nobody while it sends the rest.
  await one.journal.until(0, (entry) => entry.type === 'seen' && entry.source === 'unknown');
  spawnSync('ip', ['-n', namespace, 'link', 'set', 'nic', 'down']);
  const sinceMs = performance.now();
  const { code, output } = await running.end;
  expect({ code, output }).toMatchObject({ code: 11 });
  await expectStayed(one);
  expect(performance.now() - sinceMs).toBeLessThan(60_000);
});

it('a migration that never gets its connection is given up', async (context) => {
  const one = await oneVm(context);
  const namespace = one.site.namespace('h1');
  // The route goes nowhere: packets are dropped without a word.
  spawnSync('ip', ['-n', namespace, 'link', 'set', 'nic', 'down']);
  const dummy = ['link', 'add', 'hole', 'type', 'dummy'];
  spawnSync('ip', ['-n', namespace, ...dummy]);
  spawnSync('ip', ['-n', namespace, 'addr', 'add', '10.77.0.1/24', 'dev', 'hole']);
  spawnSync('ip', ['-n', namespace, 'link', 'set', 'hole', 'up']);
  const sinceMs = performance.now();
  const { code, output } = await new DrainProcess(context, one.site, [
    'drain',
    'h1',
    '--stall',
    '2s',
  ]).end;
  expect(output).toMatch(/Nothing was sent for 2 s: is the link down\?/);
  expect(code).toBe(11);
  expect(performance.now() - sinceMs).toBeLessThan(60_000);
  await expectStayed(one);
});

it('a move that its policy gives up leaves the VM where it is, and the journal says why', async (context) => {
  const vms = { web: { host: 'h1', guest: { ...slow, pattern: 'random' } } } as const;
  const one = await oneVm(context, { vms });
  const how = ['drain', 'h1', '--policy', 'give-up:passes=2'];
  const { code, output } = await new DrainProcess(context, one.site, how).end;
  expect({ code, output }).toMatchObject({ code: 11 });
  expect(output).toMatch(/web: give-up chose give-up\. /);
  const decided = one.journal.entries.find(({ type }) => type === 'decided');
  expect(decided).toMatchObject({ decision: { policy: 'give-up', numbers: { passes: 2 } } });
  await expectStayed(one);
});

it('a VM that dies while it is moved is lost, started nowhere, and said to be', async (context) => {
  const { binary } = needQemu(context);
  const one = await oneVm(context);
  const running = new DrainProcess(context, one.site, ['drain', 'h1']);
  await one.journal.until(0, isMigrating);
  process.kill(one.site.firstPid('web'), 'SIGKILL');
  const { code, output } = await running.end;
  expect(lastEnd(one.journal)).toMatchObject({ outcome: 'lost' });
  expect(output).toMatch(/web lost: .*started nowhere/);
  expect(code).toBe(15);
  for (const host of ['h2', 'h3']) expect(readdirSync(one.site.folder(host))).toEqual([]);
  expect(fakedirty('status', ...one.site.where).output).toMatch(/Lost: web/);
  // It is nowhere until somebody has started it again, and says so.
  const place = () => fakedirty('place', 'web', 'h1', ...one.site.where);
  expect(place().output).toMatch(/There is no QMP at/);
  const dry = () => fakedirty('drain', 'h1', '--dry-run', ...one.site.where).output;
  expect(dry()).toMatch(/web stays: It was lost when it was moved.*"fakedirty place"/);
  await one.site.startAgain('web', binary);
  expect(place()).toMatchObject({ status: 0, stdout: 'web is at h1.\n' });
  expect(dry()).toMatch(/^web +h2/m);
  expect(fakedirty('status', ...one.site.where).output).not.toMatch(/Lost/);
});

it('a VM that dies and is started again while it is moved is not run at its destination', async (context) => {
  const { binary } = needQemu(context);
  const one = await oneVm(context);
  const running = new DrainProcess(context, one.site, ['drain', 'h1']);
  await one.journal.until(
    0,
    (entry) => entry.type === 'seen' && entry.destination === 'arrived-held',
  );
  running.kill('SIGKILL');
  await running.end;
  const attempt = one.journal.entries.find(({ type }) => type === 'attempt');
  if (attempt?.type !== 'attempt') throw new TypeError('There is no attempt.');
  // As if it had been about to be told when its controller was killed.
  const act = { type: 'act', atMs: Date.now(), attempt: attempt.attempt, action: 'run-there' };
  appendFileSync(`${one.journal.state}/journal.jsonl`, `${JSON.stringify(act)}\n`);
  {
    // Whether it had been told or not.
    const { destination } = attempt;
    await using there = await QmpClient.connect(
      destination.driver === 'qmp' ? destination.qmp : '',
    );
    await there.execute('stop');
  }
  process.kill(one.site.firstPid('web'), 'SIGKILL');
  await one.site.startAgain('web', binary);
  const { code, output } = await new DrainProcess(context, one.site, ['drain', 'h1']).end;
  expect({ code, output }).toMatchObject({ code: 14 });
  expect(output).toMatch(/another QEMU has taken its place/);
  expect(fakedirty('settle', 'web', 'source', ...one.site.where)).toMatchObject({ status: 0 });
  await expectStayed(one);
});

it('a destination that dies while it receives leaves the VM where it is', async (context) => {
  const one = await oneVm(context);
  const running = new DrainProcess(context, one.site, ['drain', 'h1']);
  const entry = await one.journal.until(0, ({ type }) => type === 'attempt');
  await one.journal.until(0, isMigrating);
  if (entry.type === 'attempt') one.site.killAt(entry.destination);
  const { code } = await running.end;
  expect(code).toBe(11);
  await expectStayed(one);
});

it.for(['SIGINT', 'SIGTERM', 'cancel'] as const)(
  '%s while it moves a VM ends the drain, and the VM stays',
  async (how, context) => {
    // On a busy machine another process takes seconds to say so.
    const one = await oneVm(context, { megabitsPerSecond: 10 });
    const running = new DrainProcess(context, one.site, ['drain', 'h1']);
    await one.journal.until(0, isMigrating);
    if (how === 'cancel') expect(fakedirty('cancel', ...one.site.where).status).toBe(0);
    else running.kill(how);
    const { code } = await running.end;
    expect(code).toBe(how === 'cancel' ? 12 : 130);
    await expectStayed(one);
    expect(one.journal.entries.at(-1)).toMatchObject({ type: 'drained', outcome: 'cancelled' });
  },
);

/** All that a migration may change of a QEMU. */
async function settingsOf(path: string): Promise<unknown> {
  await using qmp = await QmpClient.connect(path);
  const [capabilities, parameters] = await Promise.all([
    qmp.execute('query-migrate-capabilities'),
    qmp.execute('query-migrate-parameters'),
  ]);
  return { capabilities, parameters };
}

it('a source that can not be asked for a while is watched again, and has its settings back in the end', async (context) => {
  const one = await oneVm(context, { megabitsPerSecond: 20 });
  const qmp = `${one.site.folderOf('web')}/qmp.sock`;
  const before = await settingsOf(qmp);
  const through = one.site.workspace.path('proxy.sock');
  one.site.rewrite((text) => text.replace(qmp, through));
  const none = new LineCounter(0, () => {});
  const proxy = await QmpProxy.listen(through, qmp, none);
  const running = new DrainProcess(context, one.site, ['drain', 'h1', '--bandwidth', '1M']);
  await one.journal.until(0, isMigrating);
  await proxy.close();
  await one.journal.until(0, (entry) => entry.type === 'seen' && entry.source === 'unknown');
  await pause(2000);
  const seen = one.journal.entries.length;
  const again = await QmpProxy.listen(through, qmp, none);
  context.onTestFinished(() => again.close());
  await one.journal.until(seen, isMigrating);
  await pause(1000);
  running.kill('SIGINT');
  const { code } = await running.end;
  expect(code).toBe(130);
  await again.close();
  await expectStayed(one);
  expect(await settingsOf(qmp)).toEqual(before);
});

it('a guest that switches itself off while it is moved is moved as it is', async (context) => {
  const one = await oneVm(context);
  {
    await using qmp = await QmpClient.connect(`${one.site.folderOf('web')}/qmp.sock`);
    await qmp.execute('set-action', { reboot: 'shutdown', shutdown: 'pause' });
  }
  const running = new DrainProcess(context, one.site, ['drain', 'h1']);
  await one.journal.until(0, isMigrating);
  await one.site.byHand('web', 'system_reset');
  const { code, output } = await running.end;
  expect({ code, output }).toMatchObject({ code: 0 });
  const [place] = [...stateOf(one.journal.entries).places.values()];
  await using qmp = await QmpClient.connect(place?.driver === 'qmp' ? place.qmp : '');
  expect(await qmp.execute('query-status')).toMatchObject({ status: 'shutdown' });
});

// Both sides are waited for as long as they may take.
it.runIf(isLong)('a destination that hangs keeps nobody waiting, and is ended', async (context) => {
  const one = await oneVm(context);
  const running = new DrainProcess(context, one.site, ['drain', 'h1', '--stall', '2s']);
  const entry = await one.journal.until(0, ({ type }) => type === 'attempt');
  await one.journal.until(0, isMigrating);
  const folder =
    entry.type === 'attempt' && entry.destination.driver === 'qmp' && entry.destination.folder;
  const qemu = findQemu(folder || '');
  if (!qemu) throw new Error('The destination has no QEMU.');
  process.kill(qemu.pid, 'SIGSTOP');
  const { code, output } = await running.end;
  expect({ code, output }).toMatchObject({ code: 11 });
  expect(findQemu(folder || '')).toBeUndefined();
  await expectStayed(one);
});

it('goes on without a terminal if it is told to', async (context) => {
  const one = await oneVm(context);
  const running = new DrainProcess(context, one.site, ['drain', 'h1', '--on-disconnect', 'finish']);
  await one.journal.until(0, isMigrating);
  running.kill('SIGHUP');
  const { code, output } = await running.end;
  expect(code).toBe(0);
  expect(output).not.toMatch(/web moved/);
  expect(lastEnd(one.journal)).toMatchObject({ outcome: 'moved' });
});

it('pauses when a move has ended, and goes on when told to', async (context) => {
  const vms = {
    web: { host: 'h1', guest: slow },
    db: { host: 'h1', guest: { ...slow, pages: 3500 } },
  };
  const one = await oneVm(context, { vms, megabitsPerSecond: 15 });
  const running = new DrainProcess(context, one.site, ['drain', 'h1']);
  await one.journal.until(0, isMigrating);
  expect(fakedirty('pause', ...one.site.where).output).toMatch(/pauses when the move/);
  await one.journal.until(0, ({ type }) => type === 'ended');
  await pause(1500);
  expect(one.journal.entries.filter(({ type }) => type === 'attempt')).toHaveLength(1);
  expect(fakedirty('status', ...one.site.where).output).toMatch(/paused: 1 of 2 moves/);
  expect(fakedirty('drain', 'h1', ...one.site.where)).toMatchObject({ status: 10 });
  expect(fakedirty('resume', ...one.site.where).status).toBe(0);
  expect(await running.end).toMatchObject({ code: 0 });
  expect(one.journal.entries.filter(({ type }) => type === 'attempt')).toHaveLength(2);
});

it('asks where nobody can know whether what arrived is the newest, and does as it is told', async (context) => {
  const one = await oneVm(context);
  const running = new DrainProcess(context, one.site, ['drain', 'h1']);
  await one.journal.until(
    0,
    (entry) => entry.type === 'seen' && entry.destination === 'arrived-held',
  );
  // Before it can have told anybody to run there, most of the time; where it has, nothing has to be asked.
  running.kill('SIGKILL');
  await running.end;
  const wasTold = one.journal.entries.some(
    (entry) => entry.type === 'act' && entry.action === 'run-there',
  );
  // On a busy machine all of it may have been done by then.
  if (existsSync(`/proc/${one.site.firstPid('web')}`)) {
    process.kill(one.site.firstPid('web'), 'SIGKILL');
  }
  const { code, output } = await new DrainProcess(context, one.site, ['drain', 'h1']).end;
  if (wasTold) {
    expect(code).toBe(0);
    return;
  }
  expect(code).toBe(14);
  expect(output).toMatch(/may be older than its disks.*fakedirty settle web/s);
  const settled = fakedirty('settle', 'web', 'destination', ...one.site.where);
  expect(settled).toMatchObject({ status: 0 });
  expect(settled.output).toMatch(/web moved/);
  const [place] = [...stateOf(one.journal.entries).places.values()];
  const arrived = place?.driver === 'qmp' ? (place.folder ?? '') : '';
  expect((await guestAt(arrived)).wrongWords).toBe(0);
});

it('a disk that fills up lets the move end, and no other begin', async (context) => {
  const vms = {
    web: { host: 'h1', guest: slow },
    db: { host: 'h1', guest: { ...slow, pages: 3500 } },
  };
  const one = await oneVm(context, { vms });
  const state = smallFileSystem(context, 512);
  const where = ['--site', one.site.file, '--state', state];
  const journal = new SiteJournal(one.site, state);
  const running = new DrainProcess(context, one.site, ['drain', 'h1'], where);
  await journal.until(0, isMigrating);
  spawnSync('dd', ['if=/dev/zero', `of=${state}/full`, 'bs=1k', 'count=2000']);
  const { code, output } = await running.end;
  expect(output).toMatch(/web moved/);
  expect(output).toMatch(/h1: stopped. The disk of its journal is full/);
  expect(code).toBe(11);
  rmSync(`${state}/full`);
  const again = await new DrainProcess(context, one.site, ['drain', 'h1'], where).end;
  expect(again.code, again.output).toBe(0);
});
