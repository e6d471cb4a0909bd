// The filter as Li et al. published it, made safe: the migration thread fingerprints one page at a time, with SHA-1.
// Compared with filter-sha1, it shows what batches of pages are worth.
import type { Method } from './method.js';

/** The filter without batches. */
export const sha1PageByPage: Method = {
  name: 'sha1-page-by-page',
  summary:
    'pre-copy with the filter and SHA-1, one page at a time in the migration thread, as Li et al. published it',
  needsFilter: true,
  postcopy: false,
  sourceArguments: ['-global', 'migration.x-fake-dirty-stage-pages=1'],
  options: () => ({ filter: { hash: 'sha1', acceptUnsafeHash: true, sampling: false } }),
};
