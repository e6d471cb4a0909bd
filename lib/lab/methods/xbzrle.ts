// Deltas against the version of a page that was sent last, from a cache at the source.
import { mebibyte } from '../../format/bytes.js';
import type { Method } from './method.js';

/** XBZRLE with QEMU’s default cache. */
export const xbzrle: Method = {
  name: 'xbzrle',
  summary: 'pre-copy with XBZRLE and QEMU’s default cache of 64 MiB',
  needsFilter: false,
  postcopy: false,
  options: () => ({ xbzrle: { cacheBytes: 64 * mebibyte } }),
};

/** QEMU takes no other size. Rounded up, so that each page has a slot of its own. */
function powerOfTwoFrom(bytes: number): number {
  return 2 ** Math.ceil(Math.log2(bytes));
}

/** XBZRLE with a cache for all of guest memory. */
export const xbzrleLarge: Method = {
  ...xbzrle,
  name: 'xbzrle-large',
  summary: 'pre-copy with XBZRLE and a cache for all of guest memory',
  options: (memoryBytes) => ({ xbzrle: { cacheBytes: powerOfTwoFrom(memoryBytes) } }),
};
