// Where nothing is fake the filter looks at a sample of the pages only: the rest is sent unseen, and memory is equal all
// the same.
import { describe, expect, it } from 'vitest';
import type { GuestOptions } from '../../../lib/qemu/machine/guest.js';
import { byName, methods, some } from '../../harness/methods-and-guests.js';
import { filterCountsOf, migrateAndCompare, plain } from '../../harness/migrate-and-compare.js';
import { withFilter } from '../../harness/migration-plan.js';
import { needQemu } from '../../harness/requirements.js';

const passes = 6;
/** Every page changes in every pass. */
const random: GuestOptions = { pattern: 'random', pages: 8192, wordsPerPage: 2 };
const flip: GuestOptions = { pattern: 'flip', pages: 8192 };

describe('with a filter that looks at a sample where nothing is fake', () => {
  it.for(byName(some(methods, [0, 1, 2, 3, 4])))(
    'memory is equal, and pages are sent unseen after the first pass, by %s',
    async ([, method], context) => {
      const plan = { ...method, ...withFilter('ph128', { sampling: true }), passes };
      const counts = await migrateAndCompare(plain(needQemu(context), random), plan);
      const { first, zero, changed, unseen = 0 } = filterCountsOf(counts);
      // A pass in which a busy machine's guest changes little is looked at as a whole.
      expect(unseen).toBeGreaterThan(random.pages / 2);
      const { normal = 0, duplicate = 0 } = counts.ram ?? {};
      // These count some of their pages elsewhere.
      if (method.xbzrle || method.capabilities) return;
      expect(first + zero + changed + unseen).toBe(normal + duplicate);
    },
  );

  it.for(byName(some(methods, [0, 3])))(
    'memory is equal where pages come back to what they were, by %s',
    async ([, method], context) => {
      const plan = { ...method, ...withFilter('ph128', { sampling: true }), passes };
      await migrateAndCompare(plain(needQemu(context), flip), plan);
    },
  );

  it('every page is looked at if that is wanted', async (context) => {
    const plan = { ...withFilter('ph128', { sampling: false }), passes };
    const counts = await migrateAndCompare(plain(needQemu(context), random), plan);
    expect(filterCountsOf(counts).unseen).toBe(0);
  });
});
