// Moves by post-copy: the guest goes on at the destination before all of it is there, and waits there for what a link
// that is down keeps from it.
import { spawnSync } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it, type TestContext } from 'vitest';
import type { FleetEntry } from '../../../lib/fleet/journal/entries.js';
import { stateOf } from '../../../lib/fleet/journal/state.js';
import { DrainProcess, SiteJournal } from '../../harness/drain-process.js';
import { needQemu } from '../../harness/requirements.js';
import { guestAt, SmallSite } from '../../harness/small-site.js';

async function oneVm(context: TestContext) {
  const { binary } = needQemu(context);
  const guest = { pattern: 'random', pages: 3000, spins: 500 } as const;
  const vms = { web: { host: 'h1', guest } };
  const site = await SmallSite.start(context, { binary, vms, hosts: 2, megabitsPerSecond: 20 });
  return { site, journal: new SiteJournal(site) };
}

function arrivedAt({ entries }: SiteJournal): string {
  const place = stateOf(entries).places.get('web');
  return place?.driver === 'qmp' ? (place.folder ?? '') : '';
}

const isInPostCopy = (entry: FleetEntry) =>
  entry.type === 'seen' && entry.destination === 'ours-in-post-copy';

it('runs the guest at the destination as soon as that can be', async (context) => {
  const { site, journal } = await oneVm(context);
  const running = new DrainProcess(context, site, ['drain', 'h1', '--method', 'post-copy']);
  const { code, output } = await running.end;
  expect({ code, output }).toMatchObject({ code: 0 });
  // Before the source has ended, and long before all was there.
  expect(journal.entries.some(isInPostCopy)).toBe(true);
  expect((await guestAt(arrivedAt(journal))).wrongWords).toBe(0);
});

it('goes on over a new connection when the link is back, also where it was killed meanwhile', async (context) => {
  const { site, journal } = await oneVm(context);
  const how = ['drain', 'h1', '--method', 'post-copy', '--stall', '2s'];
  const first = new DrainProcess(context, site, how);
  await journal.until(0, isInPostCopy);
  const link = (state: string) =>
    spawnSync('ip', ['-n', site.namespace('h1'), 'link', 'set', 'nic', state]);
  link('down');
  await journal.until(0, (entry) => entry.type === 'seen' && entry.source === 'interrupted');
  first.kill('SIGKILL');
  await first.end;
  const second = new DrainProcess(context, site, how);
  await pause(3000);
  link('up');
  const { code, output } = await second.end;
  expect({ code, output }).toMatchObject({ code: 0 });
  expect((await guestAt(arrivedAt(journal))).wrongWords).toBe(0);
});

it.for(['source', 'destination'] as const)(
  'a guest whose %s dies meanwhile is lost, and started nowhere',
  async (side, context) => {
    const { site, journal } = await oneVm(context);
    const running = new DrainProcess(context, site, ['drain', 'h1', '--method', 'post-copy']);
    const attempt = await journal.until(0, ({ type }) => type === 'attempt');
    await journal.until(0, isInPostCopy);
    if (side === 'source') process.kill(site.firstPid('web'), 'SIGKILL');
    else if (attempt.type === 'attempt') site.killAt(attempt.destination);
    const { code, output } = await running.end;
    expect({ code, output }).toMatchObject({ code: 15 });
    expect(output).toMatch(/web lost: What held the guest has ended/);
  },
);
