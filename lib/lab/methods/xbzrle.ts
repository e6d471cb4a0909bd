import type { Method } from './method.js';

const mebibyte = 1 << 20;

export const xbzrle: Method = {
  name: 'xbzrle',
  summary: 'XBZRLE with a cache of 64 MiB, which is QEMU’s default',
  needsFilter: false,
  postcopy: false,
  options: () => ({ xbzrle: { cacheBytes: 64 * mebibyte } }),
};

export const xbzrleLarge: Method = {
  ...xbzrle,
  name: 'xbzrle-large',
  summary: 'XBZRLE with a cache as large as guest memory',
  options: (memoryBytes) => ({ xbzrle: { cacheBytes: memoryBytes } }),
};
