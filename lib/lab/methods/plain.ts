// What QEMU does by default: the method that others are compared with.
import type { Method } from './method.js';

/** Pre-copy without any option. */
export const plain: Method = {
  name: 'plain',
  summary: 'pre-copy with QEMU’s defaults',
  needsFilter: false,
  postcopy: false,
  options: () => ({}),
};
