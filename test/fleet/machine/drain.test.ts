// Drains a host of real VMs at work, by QMP.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { QmpDriver } from '../../../lib/fleet/drivers/qmp/driver.js';
import type { EntryOf, FleetEntry } from '../../../lib/fleet/journal/entries.js';
import { SiteFolder } from '../../../lib/fleet/journal/site-folder.js';
import { drain } from '../../../lib/fleet/run/drain.js';
import { methodSchema } from '../../../lib/site/move.js';
import { needQemu } from '../../harness/requirements.js';
import { guestAt, SmallSite } from '../../harness/small-site.js';

const method = methodSchema.parse({ name: 'pre-copy', hash: 'ph128' });

function memoryOf(entry: EntryOf<'attempt'>, side: 'source' | 'destination'): Buffer {
  const place = entry[side];
  const qmp = place.driver === 'qmp' ? place.qmp : '';
  return readFileSync(qmp.replace('qmp.sock', 'ram'));
}

it('every VM of the host is moved, at work, with its memory as it was', async (context) => {
  const { binary } = needQemu(context);
  const flip = { pattern: 'flip', pages: 2000, wordsPerPage: 4 } as const;
  const site = await SmallSite.start(context, {
    binary,
    vms: {
      small: { host: 'h1', guest: { pattern: 'random', pages: 1000, spins: 2000 } },
      large: { host: 'h1', guest: flip },
      other: { host: 'h2', guest: { pattern: 'idle', pages: 500 } },
    },
  });
  const folder = new SiteFolder(site.workspace.path('state'));
  await using taken = await folder.take(site.file, 'drain h1');
  const equal: Record<string, boolean> = {};
  let attempt: EntryOf<'attempt'> | undefined;
  taken.onEntry = (entry: FleetEntry) => {
    if (entry.type === 'attempt') attempt = entry;
    // Both guests stand still at that moment.
    if (entry.type === 'act' && entry.action === 'run-there' && attempt) {
      const { vm } = attempt.move;
      equal[vm] = memoryOf(attempt, 'source').equals(memoryOf(attempt, 'destination'));
    }
  };
  const outcome = await drain(
    {
      site: site.site,
      host: 'h1',
      method,
      stopAfterFailures: 1,
      leave: [],
      measurements: new Map(),
      stallMs: 10_000,
    },
    {
      taken,
      driver: new QmpDriver(site.site, folder.migrations),
      signal: new AbortController().signal,
      onProgress: () => {},
      onTrouble: () => {},
    },
  );
  expect(outcome).toBe('drained');
  expect(equal).toEqual({ small: true, large: true });
  expect([...taken.state.places.keys()]).toEqual(['small', 'large']);
  for (const place of taken.state.places.values()) {
    expect(place.host).not.toBe('h1');
    const state = await guestAt(place.driver === 'qmp' ? (place.folder ?? '') : '');
    expect(state.wrongWords).toBe(0);
  }
  for (const name of ['small', 'large'])
    expect(existsSync(`/proc/${site.firstPid(name)}`)).toBe(false);
  expect(existsSync(`/proc/${site.firstPid('other')}`)).toBe(true);
  expect(readdirSync(join(site.folder('h1')))).toEqual([]);
});
