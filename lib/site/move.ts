// A move of a VM from one host to another: what was decided of it before it begins.
import { z } from 'zod';
import { rangeSchema } from './range.js';

const count = z.number().nonnegative();

/** How a VM is moved. */
export const methodSchema = z.strictObject({
  /** As `migrate` knows them. */
  name: z.enum(['pre-copy', 'hybrid', 'post-copy']),
  /** The fingerprint algorithm by which fake dirty pages are skipped; left out: none are. */
  hash: z.string().optional(),
  /** Policies in words, as `fakedirty migrate` takes them. */
  policy: z.array(z.string()).readonly().default([]),
  downtimeLimitMs: count.optional(),
  /** How fast to send; left out: as fast as the card does. */
  bytesPerSecond: count.optional(),
});

/** How a VM is moved. */
export type MoveMethod = z.output<typeof methodSchema>;

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
