// What a policy gets to know about a running migration, and what it decides.
import { z } from 'zod';
import type { Pass } from './pass.js';

const count = z.number().nonnegative();

/** What is known of a migration when it begins. Of these, only the limits can change while it runs. */
export interface MigrationContext {
  /** Guest memory, in bytes. */
  readonly ramBytes: number;
  /** The size of a page, in bytes. */
  readonly pageBytes: number;
  /** The downtime limit of QEMU. */
  readonly downtimeLimitMs: number;
  /** How fast QEMU may send; 0: as fast as it can. */
  readonly bandwidthLimitBytesPerSecond: number;
  /** Whether the migration can be switched to post-copy. */
  readonly postcopyPossible: boolean;
}

/** Checks a `MigrationContext` that was read from a file. */
export const migrationContextSchema = z.strictObject({
  ramBytes: count,
  pageBytes: z.number().positive(),
  downtimeLimitMs: count,
  bandwidthLimitBytesPerSecond: count,
  postcopyPossible: z.boolean(),
});

/** A running migration, as a policy sees it. */
export interface Observation extends MigrationContext {
  /** Time since the migration began. */
  readonly elapsedMs: number;
  /** The passes that have ended, oldest first; none when the migration begins. */
  readonly passes: readonly Pass[];
}

/** All choices that a policy has. */
export const choices = ['go-on', 'stop-now', 'post-copy', 'give-up'] as const;

/**
 * What a policy can choose: `go-on` with pre-copy, `stop-now` to stop the guest and copy the rest, switch to
 * `post-copy`, or `give-up` and cancel the migration.
 */
export type Choice = (typeof choices)[number];

/** What a policy decided, and why. */
export interface Decision {
  /** What to do. */
  readonly choice: Choice;
  /** The name of the policy that decided: of the one inside, where a policy combines others. */
  readonly policy: string;
  /** A sentence for people. */
  readonly reason: string;
  /** The numbers behind it, for programs; each name ends in its unit. null: infinite. */
  readonly numbers: Readonly<Record<string, number | null>>;
  /** Evaluate the policy again at this time since the migration began, even if no pass has ended by then. */
  readonly askAgainAtMs?: number | undefined;
}

/** Checks a `Decision` that was read from a file. */
export const decisionSchema = z.strictObject({
  choice: z.enum(choices),
  policy: z.string(),
  reason: z.string(),
  numbers: z.record(z.string(), z.number().nullable()),
  askAgainAtMs: count.optional(),
});

/**
 * Decides what to do with a running migration. It is evaluated when the migration begins, when a pass has ended,
 * and at the time that its last decision named. It must be pure: the same observation gets the same decision.
 */
export type Policy = (observation: Observation) => Decision;

/** One evaluation of a policy during a migration. */
export interface PolicyEvaluation {
  /** When: time since the migration began. */
  readonly elapsedMs: number;
  /** How many entries `passes` had by then. */
  readonly endedPasses: number;
  /** What the policy decided. */
  readonly decision: Decision;
}

/** Checks a `PolicyEvaluation` that was read from a file. */
export const policyEvaluationSchema = z.strictObject({
  elapsedMs: count,
  endedPasses: count,
  decision: decisionSchema,
});
