// What the bare guest does (native/guest/guest.S): a firmware image that writes to its working set, the same way
// in every run. It boots at once and leaves nothing to chance but the moment of each pass.
import { z } from 'zod';
import {
  type GuestOptions,
  type GuestPattern,
  guestPatterns,
  mostGuestPages,
} from '../../qemu/machine/guest.js';
import { positive, seed, size, sizeBytes } from './options.js';
import { allInGuest, assignments, type Surroundings, type Workload, workload } from './workload.js';

const summaries: Readonly<Record<GuestPattern, string>> = {
  idle: 'fills its working set and leaves it alone',
  rewrite: 'stores the values that are there already: every page marked dirty is fake',
  random: 'writes new values in each pass over its working set',
  flip: 'inverts its values and inverts them back',
  zero: 'turns its pages to zero and back',
};

const options = z.strictObject({
  ...size,
  /** Words of four bytes written in a page by each pass: a power of two. */
  words: positive
    .max(1024)
    .refine((words) => (words & (words - 1)) === 0, 'expected a power of two')
    .default(1),
  /** Pauses after each page: slows it down. */
  spins: z.number().int().nonnegative().default(0),
  seed,
});

function guestOptions(
  pattern: GuestPattern,
  { words, spins, seed: first, ...set }: z.output<typeof options>,
  surroundings: Surroundings,
): Omit<GuestOptions, 'paged'> {
  const room = {
    most: mostGuestPages(surroundings.memoryBytes) * 4096,
    because: 'its set begins at 1 MiB, and ends where memory does or devices have their addresses',
  };
  const pages = Math.floor(sizeBytes(set, surroundings, room) / 4096);
  return { pattern, pages, wordsPerPage: words, spins, seed: first ?? surroundings.seed };
}

function bare(pattern: GuestPattern): Workload {
  const described = workload({
    name: `bare-${pattern}`,
    summary: `no Linux, a bare guest: ${summaries[pattern]}`,
    operation: 'pages written',
    programs: [],
    ...allInGuest,
    idles: pattern === 'idle',
    options,
    commands: (wanted, surroundings) => ({
      inGuest: ['guest.bin', ...assignments({ ...guestOptions(pattern, wanted, surroundings) })],
    }),
  });
  return {
    ...described,
    bareGuest: (given, surroundings) =>
      guestOptions(pattern, options.parse(given ?? {}), surroundings),
  };
}

export const bareWorkloads: readonly Workload[] = guestPatterns.map(bare);
