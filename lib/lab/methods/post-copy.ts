// The guest moves before all of its memory has.
import type { Method } from './method.js';

/** Post-copy from the beginning. */
export const postCopy: Method = {
  name: 'post-copy',
  summary: 'post-copy from the beginning: the guest moves first, its memory follows',
  needsFilter: false,
  postcopy: true,
  options: () => ({ method: 'post-copy' }),
};

/** One pass of pre-copy, then post-copy. */
export const hybrid: Method = {
  ...postCopy,
  name: 'hybrid',
  summary: 'one pass of pre-copy, then post-copy',
  options: () => ({ method: 'hybrid' }),
};
