// Several channels at once, with and without compression.
import type { Method } from './method.js';

const channels = 2;

/** Several channels. */
export const multifd: Method = {
  name: 'multifd',
  summary: `pre-copy over ${channels} channels`,
  needsFilter: false,
  postcopy: false,
  options: () => ({ multifd: { channels } }),
};

/** Several channels, compressed. */
export const multifdZstd: Method = {
  ...multifd,
  name: 'multifd-zstd',
  summary: `pre-copy over ${channels} channels, compressed with zstd`,
  options: () => ({ multifd: { channels, compression: 'zstd' } }),
};
