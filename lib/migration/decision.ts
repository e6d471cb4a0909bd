// What a policy is told of a running migration, and what it answers.
import { z } from 'zod';
import type { Pass } from './pass.js';

const count = z.number().nonnegative();

/** What does not change while a migration runs. */
export const circumstancesSchema = z.strictObject({
  ramBytes: count,
  pageBytes: z.number().positive(),
  downtimeLimitMs: count,
  /** 0: no limit. */
  bandwidthLimitBytesPerSecond: count,
  /** Whether it can be switched to post-copy. */
  postcopyPossible: z.boolean(),
});
export type Circumstances = z.infer<typeof circumstancesSchema>;

export interface Observation extends Circumstances {
  readonly elapsedMs: number;
  /** Those that have ended, oldest first; none as it begins. */
  readonly passes: readonly Pass[];
}

export const choices = ['go-on', 'stop-now', 'post-copy', 'give-up'] as const;
export type Choice = (typeof choices)[number];

export const decisionSchema = z.strictObject({
  choice: z.enum(choices),
  /** A sentence for people. */
  because: z.string(),
  /** What it rests on, by name; the names say the units. */
  numbers: z.record(z.string(), z.number().nullable()),
  /** Ask again when this much time has passed since the migration began, though no pass has ended. */
  askAgainAtMs: count.optional(),
});
export type Decision = z.infer<typeof decisionSchema>;

/** Asked as the migration begins, and when a pass has ended. Pure: the same observation gets the same decision. */
export type Policy = (observation: Observation) => Decision;

/** A moment at which a policy was asked. */
export const consultationSchema = z.strictObject({
  elapsedMs: count,
  /** How many passes had ended. */
  passes: count,
  decision: decisionSchema,
});
export type Consultation = z.infer<typeof consultationSchema>;
