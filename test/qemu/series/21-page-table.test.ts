// A guest with a page table where, by its address, a page of its working set lies. TCG keeps translations of
// both: what is written to the one must not count as written to the other. With the first patch of the series
// alone most writes to that page went unmarked, and the destination had an old one.
import { describe, it } from 'vitest';
import { migrateAndCompare, plain } from '../../harness/migrate-and-compare.js';
import { withFilter } from '../../harness/migration-plan.js';
import { needQemu } from '../../harness/requirements.js';

// The pause leaves little of a pass for a sync to fall between a look at the page table and the write.
const guest = { pattern: 'random', pages: 64, spins: 2000, paged: true } as const;
const plans = [
  ['without the filter', {}],
  ['with the filter', withFilter('ph128')],
] as const;

describe('memory of a guest whose page table lies at the address of one of its pages', () => {
  it.for(plans)('is equal after a migration %s', async ([, plan], context) => {
    await migrateAndCompare(plain(needQemu(context), guest), { ...plan, passes: 5 });
  });
});
