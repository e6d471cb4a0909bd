// Policies while libvirt moves a VM: they see the passes of its QEMU, and what they choose is done by libvirt.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Domain } from '../../../lib/fleet/drivers/libvirt/domain.js';
import { connectToDomain } from '../../../lib/fleet/drivers/libvirt/domain-qmp.js';
import { watchMigration } from '../../../lib/migration/watch.js';
import { QmpCommandError } from '../../../lib/qmp/errors.js';
import { methodSchema } from '../../../lib/site/move.js';
import { findProcess } from '../../../lib/system/detached.js';
import { fakedirty, main } from '../../cli/fakedirty.js';
import { busy, flip, Killed, LibvirtTrial, slow } from '../../harness/libvirt-trial.js';

const { FAKEDIRTY_LONG } = process.env;
const isLong = FAKEDIRTY_LONG === '1';

const by = (name: 'pre-copy' | 'hybrid', ...policy: string[]) =>
  methodSchema.parse({ name, policy });

it('a policy that gives up leaves the VM where it was, and says why', async (context) => {
  const method = by('pre-copy', 'give-up:passes=2');
  const trial = await LibvirtTrial.start(context, { guest: busy }, { method, ...slow });
  expect(await trial.goOn()).toBe('stayed');
  await trial.expectOnly('h1');
  expect(trial.ended?.reason).toMatch(/^The policy gave up: .* The guest runs at the source\.$/);
  expect(trial.decided).toMatchObject({ policy: 'give-up', choice: 'give-up' });
  const { passes } = trial.decided?.numbers ?? {};
  expect(passes).toBeGreaterThanOrEqual(2);
});

it('a policy that stops the guest ends a migration that would not end', async (context) => {
  const method = by('pre-copy', 'adaptive-stop:limit=50');
  const trial = await LibvirtTrial.start(context, { guest: busy }, { method, ...slow });
  expect(await trial.goOn()).toBe('moved');
  await trial.expectOnly('h2');
  expect(trial.decided).toMatchObject({ policy: 'adaptive-stop', choice: 'stop-now' });
  const limit = await trial.hosts.host('h2').virsh.run(['migrate-getmaxdowntime', 'vm']);
  expect(limit).toEqual(['300']);
});

it('a policy that chooses post-copy has libvirt switch to it', async (context) => {
  const method = by('hybrid', 'intelligent-hybrid:threshold=1,watch=2');
  const trial = await LibvirtTrial.start(context, { guest: busy }, { method, ...slow });
  expect(await trial.goOn()).toBe('moved');
  await trial.expectOnly('h2');
  expect(trial.decided).toMatchObject({ policy: 'intelligent-hybrid', choice: 'post-copy' });
  expect(trial.seen).toContain('ours-in-post-copy, ours-in-post-copy');
});

it.runIf(isLong)(
  'a policy that sees what is fake lets a VM go on that only rewrites',
  async (context) => {
    const guest = { ...busy, pattern: 'rewrite' } as const;
    const method = by('hybrid', 'fake-aware');
    const trial = await LibvirtTrial.start(context, { guest }, { method, ...slow });
    expect(await trial.goOn()).toBe('moved');
    await trial.expectOnly('h2');
    expect(trial.seen).not.toContain('ours-in-post-copy, ours-in-post-copy');
  },
);

it('whoever goes on with a move follows its policy', async (context) => {
  const method = by('pre-copy', 'give-up:passes=4');
  const trial = await LibvirtTrial.start(context, { guest: busy }, { method, ...slow });
  trial.when('ours, ours', () => trial.kill());
  await expect(trial.goOn()).rejects.toThrow(Killed);
  expect(await trial.goOn()).toBe('stayed');
  await trial.expectOnly('h1');
  expect(trial.ended?.reason).toMatch(/^The policy gave up: /);
});

it.runIf(isLong)(
  'a policy that counts passes counts those that nobody has seen',
  async (context) => {
    const method = by('pre-copy', 'adaptive-stop:limit=50');
    const trial = await LibvirtTrial.start(context, { guest: busy }, { method, ...slow });
    trial.when('ours, ours', () => trial.kill());
    await expect(trial.goOn()).rejects.toThrow(Killed);
    const { virsh } = trial.hosts.host('h1');
    const passes = async () =>
      Number(
        /memory_iteration: (\d+)/.exec(
          (await virsh.run(['domjobinfo', 'vm', '--rawstats'])).join('\n'),
        )?.[1],
      );
    while ((await passes()) < 3) await pause(100);
    expect(await trial.goOn()).toBe('moved');
    await trial.expectOnly('h2');
    expect(trial.decided?.choice).toBe('stop-now');
  },
);

const numbers = {};
it.for([
  ['stop-now', 'moved', /^The guest runs at the destination/],
  ['give-up', 'stayed', /^The policy gave up: Enough\./],
] as const)(
  'what was decided by a controller that was killed is carried out by the next one: %s',
  async ([choice, outcome, reason], context) => {
    // It would not be decided again: no migration sends so much.
    const method = by('pre-copy', 'give-up:bytes=1T');
    const trial = await LibvirtTrial.start(context, { guest: busy }, { method, ...slow });
    trial.when('ours, ours', () => trial.kill());
    await expect(trial.goOn()).rejects.toThrow(Killed);
    const decision = { choice, policy: 'give-up', reason: 'Enough.', numbers };
    trial.taken.append({ type: 'decided', attempt: 'vm-1', decision });
    expect(await trial.goOn()).toBe(outcome);
    await trial.expectOnly(outcome === 'moved' ? 'h2' : 'h1');
    expect(trial.ended?.reason).toMatch(reason);
    expect(trial.ended?.isInterrupted).toBeUndefined();
  },
);

it('a guest that was stopped for a migration which has ended meanwhile runs again', async (context) => {
  const method = by('pre-copy', 'give-up:bytes=1T');
  const trial = await LibvirtTrial.start(context, { guest: busy }, { method, ...slow });
  const { virsh } = trial.hosts.host('h1');
  trial.when('ours, ours', async () => {
    trial.taken.append({ type: 'act', attempt: 'vm-1', action: 'stop-guest' });
    await virsh.run(['domjobabort', 'vm']);
    await virsh.run(['suspend', 'vm']);
  });
  expect(await trial.goOn()).toBe('stayed');
  await trial.expectOnly('h1');
});

it('a monitor that fails for a moment is asked again', async (context) => {
  const method = by('pre-copy', 'give-up:passes=5');
  const trial = await LibvirtTrial.start(context, { guest: busy }, { method, ...slow });
  trial.when('ours, ours', () => {
    const { uri } = trial.hosts.host('h1').uris;
    const listens = (words: readonly string[]) =>
      words.includes('qemu-monitor-event') && words.includes(uri);
    const listener = findProcess(listens);
    if (!listener) throw new Error('Nobody listens to the events of the domain.');
    process.kill(listener.pid, 'SIGKILL');
  });
  expect(await trial.goOn()).toBe('stayed');
  expect(trial.decided).toMatchObject({ policy: 'give-up' });
  await trial.expectOnly('h1');
});

it.runIf(isLong)(
  'a migration of libvirt is watched by its QMP, with all its passes and what the filter found',
  async (context) => {
    const guest = { ...busy, pattern: 'rewrite' } as const;
    const trial = await LibvirtTrial.start(context, { guest }, slow);
    const domain = new Domain(trial.hosts.host('h1').virsh, 'vm');
    await using qmp = await connectToDomain(domain);
    await expect(qmp.execute('no-such-command')).rejects.toThrow(QmpCommandError);
    const statuses: unknown[] = [];
    const watched = watchMigration(qmp, {
      record: (entry) => {
        if (entry.type === 'event') statuses.push(...Object.values(entry.data));
      },
    });
    expect(await trial.goOn()).toBe('moved');
    const { outcome, passes } = await watched;
    expect(outcome).toBe('completed');
    expect(passes[0]?.verdicts?.first).toBeGreaterThan(2500);
    expect(statuses).toEqual(expect.arrayContaining(['pre-switchover', 'completed']));
  },
);

it('"fakedirty watch" and "estimate" find a VM by its domain', async (context) => {
  // Large enough for QEMU to sample it.
  const guest = { ...busy, pattern: 'rewrite', pages: 34_000 } as const;
  const trial = await LibvirtTrial.start(context, { guest }, { megabitsPerSecond: 300 });
  const { uri } = trial.hosts.host('h1').uris;
  const where = ['--domain', 'vm', '--connect', uri];
  const estimate = JSON.parse(fakedirty('estimate', '--json', '--seconds', '1s', ...where).stdout);
  expect(estimate.measurement).toMatchObject({ contents: 'sample' });
  const watching = spawn(process.execPath, [main, 'watch', ...where], { stdio: 'pipe' });
  context.onTestFinished(() => void watching.kill('SIGKILL'));
  let output = '';
  for (const stream of [watching.stdout, watching.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const ended = once(watching, 'close');
  while (!output.includes('Waiting for a migration')) await pause(50);
  expect(await trial.goOn()).toBe('moved');
  const [code] = await ended;
  expect({ code, output }).toMatchObject({ code: 0 });
  expect(output).toMatch(/All memory is at the destination/);
  expect(fakedirty('watch', '--domain', 'nobody', '--connect', uri).output).toMatch(/nobody/);
  expect(fakedirty('watch').output).toMatch(/--qmp.*--domain/);
});

it('a domain without a QEMU says so when its QMP is asked for', async (context) => {
  const trial = await LibvirtTrial.start(context, { guest: flip });
  const { virsh } = trial.hosts.host('h1');
  await virsh.run(['destroy', 'vm']);
  await expect(connectToDomain(new Domain(virsh, 'vm'))).rejects.toThrow(/domain is not running/);
  const place = fakedirty(
    'place',
    'vm',
    'h1',
    ...trial.hosts.where,
    '--state',
    trial.hosts.workspace.path('other'),
  );
  expect(place.stderr).toMatch(/vm does not run at qemu:/);
});
