import { mebibyte } from '../../format/bytes.js';
import type { Method } from './method.js';

export const xbzrle: Method = {
  name: 'xbzrle',
  summary: 'XBZRLE with a cache of 64 MiB, which is QEMU’s default',
  needsFilter: false,
  postcopy: false,
  options: () => ({ xbzrle: { cacheBytes: 64 * mebibyte } }),
};

/** QEMU takes no other size. Rounded up, so that each page has a place of its own; those left over stay empty. */
function powerOfTwoFrom(bytes: number): number {
  return 2 ** Math.ceil(Math.log2(bytes));
}

export const xbzrleLarge: Method = {
  ...xbzrle,
  name: 'xbzrle-large',
  summary: 'XBZRLE with a cache that has room for all of guest memory',
  options: (memoryBytes) => ({ xbzrle: { cacheBytes: powerOfTwoFrom(memoryBytes) } }),
};
