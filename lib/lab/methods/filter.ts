// The filter alone, with each of its fingerprints.
import { fakeDirtyHashes } from '../../qmp/schema/fake-dirty.js';
import type { Method } from './method.js';

export const filters: readonly Method[] = fakeDirtyHashes.map((hash) => ({
  name: `filter-${hash}`,
  summary: `pre-copy with the filter, its fingerprints made by ${hash}`,
  needsFilter: true,
  postcopy: false,
  // An experiment may compare what nobody should use.
  options: () => ({ filter: { hash, acceptWeakHash: true } }),
}));
