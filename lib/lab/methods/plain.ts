import type { Method } from './method.js';

export const plain: Method = {
  name: 'plain',
  summary: 'pre-copy as QEMU does it by default',
  needsFilter: false,
  postcopy: false,
  options: () => ({}),
};
