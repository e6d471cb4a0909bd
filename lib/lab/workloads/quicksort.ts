// Sorting: native/guest/linux/quicksort.c.
import { z } from 'zod';
import { positive, seed, share, sizeBytes } from './options.js';
import { allInGuest, assignments, workload } from './workload.js';

/** Sorts arrays of random integers. */
export const quicksort = workload({
  name: 'quicksort',
  summary: 'fills arrays of 1,024 bytes with random integers and sorts them',
  operation: 'arrays sorted',
  programs: ['quicksort'],
  ...allInGuest,
  options: z.strictObject({
    /** The memory that the arrays rotate through. */
    share: share.default(0.25),
    bytes: positive.min(1024).optional(),
    seed,
  }),
  commands: ({ seed: first, ...pool }, environment) => ({
    inGuest: [
      '/bin/quicksort',
      ...assignments({ bytes: sizeBytes(pool, environment), seed: first ?? environment.seed }),
    ],
  }),
});
