// A bug of compression that has nothing to do with the filter, and that the series mends: a page could come twice in a
// section, and the destination, whose threads decompress a section's pages in any order, could keep the older contents.
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { GuestOptions } from '../../../lib/qemu/machine/guest.js';
import { FaultyLink } from '../../harness/faulty-link.js';
import { methods } from '../../harness/methods-and-guests.js';
import { migrateWith, plain, withPair } from '../../harness/migrate-and-compare.js';
import type { MigrationPair } from '../../harness/migration-pair.js';
import { type MigrationPlan, withFilter } from '../../harness/migration-plan.js';
import { ramSections, type SentPage } from '../../harness/ram-stream.js';
import { needQemu } from '../../harness/requirements.js';

/** Contents that can't be compressed: a few pages fill a section at this rate, and the last one begins amid a walk. */
const guest: GuestOptions = { pattern: 'random', pages: 64, wordsPerPage: 1024 };
const bandwidthBytesPerSecond = 400_000;

/** Migrates, and returns what has been sent. */
async function sentBy(pair: MigrationPair, plan: MigrationPlan): Promise<SentPage[][]> {
  const stream: Buffer[] = [];
  await using link = await FaultyLink.before(pair, (data) => stream.push(data));
  await migrateWith(pair, { ...plan, through: link.path }, 2, () => pause(300));
  return ramSections(Buffer.concat(stream));
}

function comeTwice(pages: readonly SentPage[]): string[] {
  const names = pages.map(({ block, offset }) => `${block} ${offset}`);
  return names.filter((name, at) => names.indexOf(name) < at);
}

it.for([
  ['with', withFilter('ph128')],
  ['without', { downtimeLimitMs: 1 }],
] as const)(
  'by compress, %s the filter, no page comes twice in a section',
  async (how, context) => {
    const method = methods.find(({ name }) => name === 'compress');
    if (!method) throw new Error('the matrix has shrunk');
    await withPair(plain(needQemu(context), guest), async (pair) => {
      const plan = { ...method, ...how[1], passes: 3, bandwidthBytesPerSecond };
      const sections = await sentBy(pair, plan);
      const compressed = sections.flat().filter(({ kind }) => kind === 'compressed');
      expect(compressed.length).toBeGreaterThan(2 * guest.pages);
      expect(sections.length).toBeGreaterThan(8);
      expect(sections.flatMap(comeTwice)).toEqual([]);
      expect(await pair.compare()).toMatchObject({ differentPages: 0 });
    });
  },
);
