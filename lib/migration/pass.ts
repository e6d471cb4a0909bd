// One pass of a migration as it was observed. Recordings hold it in this form.
import { z } from 'zod';
import { fakeDirtyHashes } from '../qmp/schema/fake-dirty.js';

const count = z.number().nonnegative();

/** What the fake dirty filter found in a pass: pages by verdict, and what that saved and cost. */
export interface PassVerdicts {
  /** Pages that the filter looked at: the sum of the four that follow. */
  readonly checked: number;
  /** Pages seen for the first time. */
  readonly first: number;
  /** Pages that are all zero. */
  readonly zero: number;
  /** Pages whose contents differ from what the destination has. */
  readonly changed: number;
  /** Fake dirty pages: marked, but the destination has their contents already. They were not sent. */
  readonly unchanged: number;
  /** Pages that were sent without a look at them: where nothing is fake, the filter looks at a sample only. */
  readonly unseen: number;
  /** What sending the unchanged pages would have cost. */
  readonly savedBytes: number;
  /** Time spent on copying, fingerprinting and comparing, summed over all threads. */
  readonly filterNs: number;
}

/** Checks a `PassVerdicts` that was read from a file. */
export const passVerdictsSchema = z.strictObject({
  checked: count,
  first: count,
  zero: count,
  changed: count,
  unchanged: count,
  unseen: count.default(0),
  savedBytes: count,
  filterNs: count,
});

/** All phases that a pass can belong to. */
export const phases = ['pre-copy', 'stop-and-copy', 'post-copy'] as const;

/** What a migration is doing during a pass. */
export type Phase = (typeof phases)[number];

/** One pass over the pages marked dirty, or several that ended faster than QEMU was asked. */
export interface Pass {
  /** 1 is the first pass over all memory. QEMU's event MIGRATION_PASS says 2 when that one ends. */
  readonly number: number;
  /** How many of QEMU's passes this covers; `number` is that of the last. */
  readonly merged: number;
  /** What the migration was doing. */
  readonly phase: Phase;
  /** When it began: time since the migration began. */
  readonly startMs: number;
  /** When it ended: time since the migration began. */
  readonly endMs: number;
  /** Bytes sent during the pass. */
  readonly sentBytes: number;
  /** Pages sent with their contents, compressed or not. */
  readonly normalPages: number;
  /** Pages sent as a mark that says that they are zero. */
  readonly zeroPages: number;
  /** Pages marked dirty when it ended: the next pass has to look at them. */
  readonly dirtyPages: number;
  /** By how much auto-converge slows the guest down: 0 to 100. */
  readonly throttlePercent: number;
  /** How fast the link took data; where QEMU tells it, without the time spent in the filter. */
  readonly linkBytesPerSecond: number;
  /** What the filter found, if it is on. */
  readonly verdicts?: PassVerdicts | undefined;
}

/** Checks a `Pass` that was read from a file. */
export const passSchema = z.strictObject({
  number: count,
  merged: count,
  phase: z.enum(phases),
  startMs: count,
  endMs: count,
  sentBytes: count,
  normalPages: count,
  zeroPages: count,
  dirtyPages: count,
  throttlePercent: count,
  linkBytesPerSecond: count,
  verdicts: passVerdictsSchema.optional(),
});

/** What the fake dirty filter found in a whole migration. */
export interface FilterTotals extends PassVerdicts {
  /** The fingerprint algorithm. */
  readonly hash: string;
  /** Whether each skip was checked against a full copy. */
  readonly verify: boolean;
  /** Memory that the fingerprints took. */
  readonly tableBytes: number;
  /** When verifying: changed pages that the fingerprint alone would have taken for unchanged. */
  readonly falseSkips: number;
}

/** Checks a `FilterTotals` that was read from a file. */
export const filterTotalsSchema = z.strictObject({
  hash: z.enum(fakeDirtyHashes).or(z.string()),
  verify: z.boolean(),
  tableBytes: count,
  falseSkips: count,
  ...passVerdictsSchema.shape,
});

/** The number of a pass, or the numbers of those merged into one: `7` or `5-7`. */
export function passName(pass: Pick<Pass, 'number' | 'merged'>): string {
  const { number, merged } = pass;
  return merged > 1 ? `${number - merged + 1}-${number}` : String(number);
}

/** Bytes sent in the first pass (Jain's TD) and in all passes after it (RD). */
export function firstAndRetransferred(passes: readonly Pass[]): { td: number; rd: number } {
  let [td, rd] = [0, 0];
  for (const { number, merged, sentBytes } of passes) {
    // When the first pass was merged with later ones, its own share is unknown: all of it counts as TD.
    if (number - merged < 1) td += sentBytes;
    else rd += sentBytes;
  }
  return { td, rd };
}
