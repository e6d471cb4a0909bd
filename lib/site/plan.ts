// A plan: moves in their order, and what stays. It is for what it was made from, and nothing else.
import { z } from 'zod';
import { moveSchema } from './move.js';

/** Checks a `Plan` that was read from a file. */
export const planSchema = z.strictObject({
  /** Of what it was made from. */
  digest: z.string(),
  /** The moves, in their order. */
  moves: z.array(moveSchema).readonly(),
  /** VMs that stay, each with the reason; `isWanted`: whoever plans wants it so. */
  left: z
    .array(z.strictObject({ vm: z.string(), reason: z.string(), isWanted: z.boolean() }))
    .readonly(),
});

/** Moves in their order, and what stays. */
export type Plan = z.output<typeof planSchema>;
