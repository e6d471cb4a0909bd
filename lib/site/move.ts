// A move of a VM from one host to another: what was decided of it before it begins.
import { z } from 'zod';
import { rangeSchema } from './range.js';

const count = z.number().nonnegative();

/** How a VM is moved. */
export interface MoveMethod {
  /** As `migrate` knows them. */
  readonly name: 'pre-copy' | 'hybrid' | 'post-copy';
  /** The fingerprint algorithm by which fake dirty pages are skipped; left out: none are. */
  readonly hash?: string | undefined;
  /** Policies in words, as `fakedirty migrate` takes them. */
  readonly policy: readonly string[];
  /** The downtime limit; left out: as QEMU is set. */
  readonly downtimeLimitMs?: number | undefined;
  /** How fast to send; left out: as fast as the card does. */
  readonly bytesPerSecond?: number | undefined;
}

/** Checks a `MoveMethod` that was read from a file. */
export const methodSchema = z.strictObject({
  name: z.enum(['pre-copy', 'hybrid', 'post-copy']),
  hash: z.string().optional(),
  policy: z.array(z.string()).readonly().default([]),
  downtimeLimitMs: count.optional(),
  bytesPerSecond: count.optional(),
}) satisfies z.ZodType<MoveMethod>;

/** What a move would cost. */
export const predictionSchema = z.strictObject({
  timeMs: rangeSchema,
  bytes: rangeSchema,
  downtimeMs: rangeSchema,
});

/** What a move would cost. */
export type MovePrediction = z.output<typeof predictionSchema>;

/** One move of a plan. */
export const moveSchema = z.strictObject({
  vm: z.string(),
  from: z.string(),
  to: z.string(),
  method: methodSchema,
  /** Why this VM now, why there, and why so: a sentence each, with numbers. */
  reasons: z.array(z.string()).readonly(),
  predicted: predictionSchema,
});

/** One move of a plan. */
export type Move = z.output<typeof moveSchema>;
