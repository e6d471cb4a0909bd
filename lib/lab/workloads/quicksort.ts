import { z } from 'zod';
import { positive, seed, share } from './options.js';
import { assignments, partOf, workload } from './workload.js';

export const quicksort = workload({
  name: 'quicksort',
  summary: 'fills arrays of 1,024 bytes with random integers and sorts them',
  operation: 'arrays sorted',
  programs: ['quicksort'],
  needsNetwork: false,
  reports: 'guest',
  sender: 'guest',
  checks: { guest: true, outside: false },
  options: z.strictObject({
    /** The pool through which the arrays go. */
    share: share.default(0.25),
    bytes: positive.min(1024).optional(),
    seed,
  }),
  commands: ({ share: part, bytes, seed: first }, surroundings) => ({
    inGuest: [
      '/bin/quicksort',
      ...assignments({ bytes: bytes ?? partOf(surroundings, part), seed: first }),
    ],
  }),
});
