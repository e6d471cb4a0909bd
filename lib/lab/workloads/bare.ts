// Workloads of the bare guest (native/guest/guest.S): a firmware image that writes to its working set in the same way in
// every run. It boots at once, and leaves nothing to chance but the moment of each pass.
import { z } from 'zod';
import {
  type GuestOptions,
  type GuestPattern,
  guestPatterns,
  maxGuestPages,
} from '../../qemu/machine/guest.js';
import { positive, seed, size, sizeBytes } from './options.js';
import {
  allInGuest,
  assignments,
  type Workload,
  type WorkloadEnvironment,
  workload,
} from './workload.js';

const summaries: Readonly<Record<GuestPattern, string>> = {
  idle: 'fills its working set once, then does nothing',
  rewrite: 'stores values that are already there: every page marked dirty is fake',
  random: 'writes new values in each pass over its working set',
  flip: 'inverts its values and inverts them back',
  zero: 'zeroes its pages and restores them',
};

const options = z.strictObject({
  ...size,
  /** Words of four bytes written in a page by each pass: a power of two. */
  words: positive
    .max(1024)
    .refine((words) => (words & (words - 1)) === 0, 'expected a power of two')
    .default(1),
  /** Pauses after each page, to slow it down. */
  spins: z.number().int().nonnegative().default(0),
  seed,
});

function guestOptions(
  pattern: GuestPattern,
  { words, spins, seed: first, ...set }: z.output<typeof options>,
  environment: WorkloadEnvironment,
): Omit<GuestOptions, 'paged' | 'ring' | 'vcpus'> {
  const capacity = {
    max: maxGuestPages(environment.memoryBytes) * 4096,
    reason:
      'its working set begins at 1 MiB and ends where memory or the address space below devices ends',
  };
  const pages = Math.floor(sizeBytes(set, environment, capacity) / 4096);
  return { pattern, pages, wordsPerPage: words, spins, seed: first ?? environment.seed };
}

function bare(pattern: GuestPattern): Workload {
  const described = workload({
    name: `bare-${pattern}`,
    summary: `bare guest without Linux: ${summaries[pattern]}`,
    operation: 'pages written',
    programs: [],
    ...allInGuest,
    idles: pattern === 'idle',
    options,
    commands: (wanted, environment) => ({
      inGuest: ['guest.bin', ...assignments({ ...guestOptions(pattern, wanted, environment) })],
    }),
  });
  return {
    ...described,
    bareGuest: (given, environment) =>
      guestOptions(pattern, options.parse(given ?? {}), environment),
  };
}

/** One workload for each pattern of the bare guest. */
export const bareWorkloads: readonly Workload[] = guestPatterns.map(bare);
