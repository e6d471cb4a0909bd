// The filter as Li et al. published it, made safe: the migration thread fingerprints one page at a time, with
// SHA-1. What batches of pages are worth shows beside it.
import type { Method } from './method.js';

export const sha1PageByPage: Method = {
  name: 'sha1-page-by-page',
  summary: 'SHA-1 of one page at a time in the migration thread, as in the study of Li et al.',
  needsFilter: true,
  postcopy: false,
  sourceArguments: ['-global', 'migration.x-fake-dirty-stage-pages=1'],
  options: () => ({ filter: { hash: 'sha1' } }),
};
