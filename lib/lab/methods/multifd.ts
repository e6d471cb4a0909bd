import type { Method } from './method.js';

const channels = 2;

export const multifd: Method = {
  name: 'multifd',
  summary: `${channels} channels`,
  needsFilter: false,
  postcopy: false,
  options: () => ({ multifd: { channels } }),
};

export const multifdZstd: Method = {
  ...multifd,
  name: 'multifd-zstd',
  summary: `${channels} channels, compressed with zstd`,
  options: () => ({ multifd: { channels, compression: 'zstd' } }),
};
