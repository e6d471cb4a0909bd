// Pre-copy with the filter, with each of its hashes.
import { fakeDirtyHashes } from '../../qmp/schema/fake-dirty.js';
import type { Method } from './method.js';

/** The default hash, and every page looked at: unchanged pages are counted exactly, whatever that costs. */
export const filterEveryPage: Method = {
  name: 'filter-every-page',
  summary: 'pre-copy with the filter, which looks at every page instead of a sample',
  needsFilter: true,
  postcopy: false,
  options: () => ({ filter: { sampling: false } }),
};

/** One method for each hash. */
export const filters: readonly Method[] = fakeDirtyHashes.map((hash) => ({
  name: `filter-${hash}`,
  summary: `pre-copy with the filter, which uses ${hash}`,
  needsFilter: true,
  postcopy: false,
  // An experiment may compare hashes that nobody should use.
  options: () => ({ filter: { hash, acceptUnsafeHash: true } }),
}));
