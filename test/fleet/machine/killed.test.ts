// Whoever drains a host may be killed at any moment: the same command goes on, and adopts what runs.
import { expect, it } from 'vitest';
import type { FleetEntry } from '../../../lib/fleet/journal/entries.js';
import { stateOf } from '../../../lib/fleet/journal/state.js';
import { QmpClient } from '../../../lib/qmp/client.js';
import { DrainProcess, SiteJournal } from '../../harness/drain-process.js';
import { needQemu } from '../../harness/requirements.js';
import { guestAt, SmallSite } from '../../harness/small-site.js';

const moments: [string, (entry: FleetEntry) => boolean][] = [
  ['after the plan', ({ type }) => type === 'plan'],
  ['as an attempt begins', ({ type }) => type === 'attempt'],
  ...['prepare', 'migrate', 'run-there', 'end-source'].map(
    (action): [string, (entry: FleetEntry) => boolean] => [
      `at "${action}"`,
      (entry) => entry.type === 'act' && entry.action === action,
    ],
  ),
  ['while it migrates', (entry) => entry.type === 'seen' && entry.source === 'ours'],
  ['as it has arrived', (entry) => entry.type === 'seen' && entry.destination === 'arrived-held'],
  ['as it runs there', (entry) => entry.type === 'seen' && entry.destination === 'arrived'],
  ['as the move has ended', ({ type }) => type === 'ended'],
];

async function runs(folder: string): Promise<boolean> {
  try {
    await using qmp = await QmpClient.connect(`${folder}/qmp.sock`, { timeoutMs: 5000 });
    return (await qmp.execute('query-status')).running;
  } catch {
    return false;
  }
}

it('goes on wherever it was killed, and the guest runs once', async (context) => {
  const { binary } = needQemu(context);
  const guest = { pattern: 'rewrite', pages: 2000, spins: 500 } as const;
  const site = await SmallSite.start(context, {
    binary,
    vms: { web: { host: 'h1', guest } },
    megabitsPerSecond: 100,
  });
  const journal = new SiteJournal(site);
  let folder = site.folderOf('web');
  let host = 'h1';
  for (const [when, is] of moments) {
    const before = journal.entries.length;
    const first = new DrainProcess(context, site, ['drain', host]);
    await journal.until(before, is);
    first.kill('SIGKILL');
    await first.end;
    const sinceMs = performance.now();
    const killedAt = journal.entries.length;
    const second = new DrainProcess(context, site, ['drain', host]);
    await journal.until(killedAt, ({ type }) => type !== 'controller');
    const againMs = performance.now() - sinceMs;
    const { code, output } = await second.end;
    expect({ when, code, output }).toMatchObject({ when, code: 0 });
    const wasPlanned = journal.entries.slice(before, killedAt).some(({ type }) => type === 'plan');
    expect(output.includes('Going on with the drain that began at')).toBe(wasPlanned);
    expect(againMs).toBeLessThan(5000);
    const place = stateOf(journal.entries).places.get('web');
    const arrived = place?.driver === 'qmp' ? (place.folder ?? '') : '';
    expect(await Promise.all([runs(folder), runs(arrived)]), when).toEqual([false, true]);
    expect((await guestAt(arrived)).wrongWords, when).toBe(0);
    folder = arrived;
    const back = new DrainProcess(context, site, ['uncordon', host]);
    expect((await back.end).code).toBe(0);
    host = place?.host ?? '';
  }
});
