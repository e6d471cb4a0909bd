// What a migration came to.
import { z } from 'zod';
import { consultationSchema } from './decision.js';
import { filterTotalsSchema, passSchema } from './pass.js';

const count = z.number().nonnegative();

/**
 * interrupted: the link broke in post-copy. Each side holds a part of the guest, which stands still until
 * `migrate-recover` and `migrate` with `resume` bring them together.
 */
export const outcomes = ['completed', 'cancelled', 'failed', 'interrupted'] as const;

export const resultSchema = z.strictObject({
  outcome: z.enum(outcomes),
  /** Why it ended as it did, in a sentence. */
  reason: z.string(),
  guest: z.strictObject({
    where: z.enum(['source', 'destination', 'both']),
    /** Of the guest on the source; of the destination where it was given and holds the guest. */
    status: z.string(),
    running: z.boolean(),
  }),
  /** The time that QEMU gives, or since `migrate` where it gives none. */
  totalMs: count,
  /** How long the guest stood still; QEMU tells it of a completed migration. */
  downtimeMs: count.optional(),
  setupMs: count.optional(),
  bytes: z.strictObject({
    total: count,
    /** Of the first walk over memory: TD. */
    firstPass: count,
    /** Of all after that: RD. */
    retransferred: count,
    precopy: count.optional(),
    downtime: count.optional(),
    postcopy: count.optional(),
    multifd: count,
  }),
  pages: z.strictObject({ normal: count, zero: count }),
  passes: z.array(passSchema),
  /** Of the fake dirty filter, if it was on. */
  filter: filterTotalsSchema.optional(),
  /** Marked by the guest in the last pass of pre-copy, a second. */
  dirtyPagesPerSecond: count,
  /** The most that auto-converge slowed the guest down. */
  throttlePercent: count,
  /** CPU time of the threads that QEMU started for it. Known where QEMU runs on this machine. */
  migrationCpuMs: count.optional(),
  /** By how much QEMU's own memory grew at most, guest memory in files not counted. Known there as well. */
  extraMemoryBytes: count.optional(),
  consultations: z.array(consultationSchema),
});
export type MigrationResult = z.infer<typeof resultSchema>;
