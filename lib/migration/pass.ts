// One pass of a migration as it was observed. Recordings hold it in this form.
import { z } from 'zod';
import { fakeDirtyHashes } from '../qmp/schema/fake-dirty.js';

const count = z.number().nonnegative();

/** Pages by what the filter said of them. */
export const verdictCountsSchema = z.strictObject({
  checked: count,
  first: count,
  zero: count,
  changed: count,
  /** Fake dirty: not sent. */
  unchanged: count,
  /** What the unchanged ones would have cost. */
  savedBytes: count,
  /** Copying, fingerprinting and comparing, over all threads. */
  filterNs: count,
});
export type VerdictCounts = z.infer<typeof verdictCountsSchema>;

export const phases = ['pre-copy', 'stop-and-copy', 'post-copy'] as const;

export const passSchema = z.strictObject({
  /** 1 is the first walk over all memory: MIGRATION_PASS says 2 when it ends. */
  number: count,
  /** How many of QEMU's passes this covers: several when they end faster than QEMU is asked. */
  merged: count,
  phase: z.enum(phases),
  /** Since the migration began. */
  startMs: count,
  endMs: count,
  sentBytes: count,
  /** Sent in full or compressed, and sent as a mark that says zero. */
  normalPages: count,
  zeroPages: count,
  /** Marked dirty when it ended: what the next pass has to look at. */
  dirtyPages: count,
  /** By how much auto-converge slows the guest down, 0 to 100. */
  throttlePercent: count,
  /** What the link took, without the time spent in the filter where QEMU says so. */
  linkBytesPerSecond: count,
  verdicts: verdictCountsSchema.optional(),
});
export type Pass = z.infer<typeof passSchema>;

export const filterTotalsSchema = z.strictObject({
  hash: z.enum(fakeDirtyHashes).or(z.string()),
  verify: z.boolean(),
  tableBytes: count,
  /** When verifying: pages that the fingerprint alone would have hidden. */
  falseSkips: count,
  ...verdictCountsSchema.shape,
});
export type FilterTotals = z.infer<typeof filterTotalsSchema>;

/** For people: passes that were seen together have one name. */
export function passName({ number, merged }: Pick<Pass, 'number' | 'merged'>): string {
  return merged > 1 ? `${number - merged + 1}-${number}` : String(number);
}

/** Bytes of the first walk (TD) and of all after it (RD). */
export function firstAndRetransferred(passes: readonly Pass[]): { td: number; rd: number } {
  let [td, rd] = [0, 0];
  for (const { number, merged, sentBytes } of passes) {
    // Where the first walk is merged with others, its own share is not known: it counts as all.
    if (number - merged < 1) td += sentBytes;
    else rd += sentBytes;
  }
  return { td, rd };
}
