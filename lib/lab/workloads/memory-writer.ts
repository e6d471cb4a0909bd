// The workloads that one program makes, which writes to pages: native/guest/linux/working-set.c.
import { z } from 'zod';
import { positive, seed, share } from './options.js';
import { assignments, partOf, type Workload, workload } from './workload.js';

const options = z.strictObject({
  /** The size of the set, as a share of guest memory or in bytes. */
  share: share.default(0.5),
  bytes: positive.optional(),
  /** Words of eight bytes written in a page by each visit. */
  words: positive.max(512).default(8),
  /** 0: as many as the guest can write. */
  pagesPerSecond: z.number().int().nonnegative().default(0),
  order: z.enum(['random', 'sequential']).default('random'),
  seed,
});

export function memoryWriter(
  name: string,
  summary: string,
  pattern: 'random' | 'same' | 'flip' | 'idle',
): Workload {
  const program = 'working-set';
  return workload({
    name,
    summary,
    operation: 'pages written',
    programs: [program],
    needsNetwork: false,
    reports: 'guest',
    sender: 'guest',
    checks: { guest: true, outside: false },
    options,
    commands: (wanted, surroundings) => ({
      inGuest: [
        `/bin/${program}`,
        ...assignments({
          bytes: wanted.bytes ?? partOf(surroundings, wanted.share),
          words: wanted.words,
          pages_per_second: wanted.pagesPerSecond,
          order: wanted.order,
          seed: wanted.seed,
          pattern,
        }),
      ],
    }),
  });
}
