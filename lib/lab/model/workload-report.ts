// What a workload reports while it runs, and what it has checked when it is stopped.
import { z } from 'zod';

const nonNegative = z.number().nonnegative();

/** How far a workload is, as it says itself. */
export const workloadReportSchema = z.strictObject({
  /** By the guest's clock, since the workload began. */
  atMs: nonNegative,
  /** Operations done since the workload began. */
  operations: nonNegative,
  /** Latency of the operations since the last report: the median; null if the workload does not measure it. */
  p50Us: nonNegative.nullable(),
  /** The 99th percentile of the same; null if the workload does not measure it. */
  p99Us: nonNegative.nullable(),
  /** The longest of the same; null if the workload does not measure it. */
  maxUs: nonNegative.nullable(),
});

/** How far a workload is, as it says itself. */
export interface WorkloadReport extends Readonly<z.output<typeof workloadReportSchema>> {}

/** A report, with the time at which it arrived. */
export const timedReportSchema = workloadReportSchema.extend({
  /** Since the workload was started, by this machine's clock. */
  receivedMs: nonNegative,
});

/** A report, with the time at which it arrived. */
export interface TimedReport extends Readonly<z.output<typeof timedReportSchema>> {}

/** What a workload found when it checked its own data. */
export const workloadCheckSchema = z.strictObject({
  what: z.string(),
  checked: nonNegative,
  wrong: nonNegative,
});

/** What a workload found when it checked its own data. */
export interface WorkloadCheck extends Readonly<z.output<typeof workloadCheckSchema>> {}
