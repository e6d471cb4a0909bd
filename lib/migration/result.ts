// How a migration ended, and what it cost.
import { z } from 'zod';
import { type CallbackFailure, callbackFailureSchema } from './callbacks.js';
import { type PolicyEvaluation, policyEvaluationSchema } from './decision.js';
import { type FilterTotals, filterTotalsSchema, type Pass, passSchema } from './pass.js';

const count = z.number().nonnegative();

/** All outcomes that a migration can have. */
export const outcomes = ['completed', 'cancelled', 'failed', 'interrupted', 'unknown'] as const;

/**
 * How a migration ended. `completed`: the guest is at the destination. `cancelled` and `failed`: it is at the source.
 * `interrupted`: the link broke in post-copy; each side holds a part of the guest, which stands still until
 * `migrate-recover` and `migrate` with `resume` bring the parts together. `unknown`: QEMU could not be reached any more,
 * and nobody else could tell where the guest is; find that out before you start it anywhere.
 */
export type Outcome = (typeof outcomes)[number];

/** Where the guest is after a migration. */
export interface GuestLocation {
  /** `both`: each side holds a part of it, after post-copy was interrupted. `unknown`: nobody could tell. */
  readonly where: 'source' | 'destination' | 'both' | 'unknown';
  /** QEMU's run state on that side; `unknown` at a destination whose QMP was not given or does not answer. */
  readonly status: string;
  /** Whether it runs. */
  readonly running: boolean;
}

/** Bytes that a migration sent. */
export interface SentBytes {
  /** All bytes. */
  readonly total: number;
  /** Bytes of the first pass over memory (Jain's TD), where its end was seen. */
  readonly firstPass?: number | undefined;
  /** Bytes of all later passes (Jain's RD), where the end of the first was seen. */
  readonly retransferred?: number | undefined;
  /** Bytes sent before the guest was stopped, where QEMU tells it. */
  readonly precopy?: number | undefined;
  /** Bytes sent while the guest stood still, where QEMU tells it. */
  readonly downtime?: number | undefined;
  /** Bytes sent after the switch to post-copy, where QEMU tells it. */
  readonly postcopy?: number | undefined;
  /** Bytes sent over multifd connections. */
  readonly multifd: number;
}

/** What `migrate` returns: how the migration ended, and what it cost. */
export interface MigrationResult {
  /** How it ended. */
  readonly outcome: Outcome;
  /** Why it ended as it did, in a sentence. */
  readonly reason: string;
  /** Where the guest is. */
  readonly guest: GuestLocation;
  /** How long it took: QEMU's figure, or the time since `migrate` where QEMU gives none. */
  readonly totalMs: number;
  /** How long the guest stood still; QEMU tells it of completed migrations. */
  readonly downtimeMs?: number | undefined;
  /** How long QEMU took before the first pass. */
  readonly setupMs?: number | undefined;
  /** What was sent. */
  readonly bytes: SentBytes;
  /** Pages sent with their contents, and as a mark that says zero. */
  readonly pages: { readonly normal: number; readonly zero: number };
  /** All passes, oldest first. */
  readonly passes: readonly Pass[];
  /** What the fake dirty filter found, if it was on. */
  readonly filter?: FilterTotals | undefined;
  /** Pages that the guest marked, a second, in the last pass of pre-copy. */
  readonly dirtyPagesPerSecond: number;
  /** The most by which auto-converge slowed the guest down: 0 to 100. */
  readonly throttlePercent: number;
  /** CPU time of the threads that QEMU started for it; known where QEMU runs on this machine. */
  readonly migrationCpuMs?: number | undefined;
  /** How much QEMU's own memory grew at most, guest memory in files not counted; known there too. */
  readonly extraMemoryBytes?: number | undefined;
  /** Each evaluation of the policy, oldest first. */
  readonly policyEvaluations: readonly PolicyEvaluation[];
  /** Callbacks that failed, the policy among them, and were not called again; left out if none did. */
  readonly callbackFailures?: readonly CallbackFailure[] | undefined;
}

/** Checks a `GuestLocation` that was read from a file. */
export const guestLocationSchema = z.strictObject({
  where: z.enum(['source', 'destination', 'both', 'unknown']),
  status: z.string(),
  running: z.boolean(),
});

/** Checks a `MigrationResult` that was read from a file. */
export const resultSchema = z.strictObject({
  outcome: z.enum(outcomes),
  reason: z.string(),
  guest: guestLocationSchema,
  totalMs: count,
  downtimeMs: count.optional(),
  setupMs: count.optional(),
  bytes: z.strictObject({
    total: count,
    firstPass: count.optional(),
    retransferred: count.optional(),
    precopy: count.optional(),
    downtime: count.optional(),
    postcopy: count.optional(),
    multifd: count,
  }),
  pages: z.strictObject({ normal: count, zero: count }),
  passes: z.array(passSchema).readonly(),
  filter: filterTotalsSchema.optional(),
  dirtyPagesPerSecond: count,
  throttlePercent: count,
  migrationCpuMs: count.optional(),
  extraMemoryBytes: count.optional(),
  policyEvaluations: z.array(policyEvaluationSchema).readonly(),
  callbackFailures: z.array(callbackFailureSchema).readonly().optional(),
});
