// Workloads that write to pages. All of them are one program: native/guest/linux/working-set.c.
import { z } from 'zod';
import { positive, seed, size, sizeBytes } from './options.js';
import { allInGuest, assignments, type Workload, workload } from './workload.js';

const options = z.strictObject({
  ...size,
  /** Words of eight bytes written in a page by each visit. */
  words: positive.max(512).default(8),
  /** 0: no limit. */
  pagesPerSecond: z.number().int().nonnegative().default(0),
  order: z.enum(['random', 'sequential']).default('random'),
  seed,
});

/** A workload that writes to pages in this pattern. */
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
    ...allInGuest,
    idles: pattern === 'idle',
    options,
    commands: (wanted, environment) => ({
      inGuest: [
        `/bin/${program}`,
        ...assignments({
          bytes: sizeBytes(wanted, environment),
          words: wanted.words,
          pages_per_second: wanted.pagesPerSecond,
          order: wanted.order,
          seed: wanted.seed ?? environment.seed,
          pattern,
        }),
      ],
    }),
  });
}
