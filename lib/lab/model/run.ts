// What a run leaves behind: one schema, by which its file is written and read.
import { z } from 'zod';
import { resultSchema } from '../../migration/result.js';
import { timeLimitPolicy } from '../run/stop-after.js';
import { linkSchema } from './link.js';
import { machineSchema } from './machine.js';
import { upgradedResult } from './older-results.js';

const count = z.number().nonnegative();

const reportSchema = z.strictObject({
  /** Since the workload was started, by this machine's clock, when the report was heard. */
  heardMs: count,
  /** By the guest's clock. */
  atMs: count,
  /** Since it began. */
  operations: count,
  p50Us: count.nullable(),
  p99Us: count.nullable(),
  maxUs: count.nullable(),
});

/** The last lines that the guest's kernel wrote, by the machine that it ran on. */
const consolesSchema = z.record(z.string(), z.array(z.string()));

export type Consoles = z.output<typeof consolesSchema>;

export const measurementSchema = z.strictObject({
  /** What is between the hosts. */
  hosts: z.string(),
  accelerator: z.string(),
  qemu: z.string(),
  kernel: z.string(),
  /** Of each program that was started, by what it was for. */
  commandLines: z.record(z.string(), z.array(z.string())),
  /** What QEMU was told of how to migrate: the options of migrate(). */
  asked: z.record(z.string(), z.unknown()).default({}),
  migration: z.preprocess(upgradedResult, resultSchema),
  workload: z.strictObject({
    /** What one operation is. */
    operation: z.string(),
    /** By the clock of the reports. */
    migrationBeganMs: count,
    migrationEndedMs: count,
    reports: z.array(reportSchema),
    checks: z.array(z.strictObject({ what: z.string(), checked: count, wrong: count })),
  }),
  /** Both sides' memory, page by page; null: nothing could be compared, for the reason given. */
  memory: z
    .strictObject({
      pages: count,
      differentPages: count,
      /** The numbers of the first of them, if there are any. */
      firstDifferent: z.array(count).readonly().optional(),
    })
    .nullable(),
  memoryNotCompared: z.string().optional(),
  consoles: consolesSchema.default({}),
});

export type Measurement = z.output<typeof measurementSchema>;

const failureSchema = z.strictObject({
  at: z.iso.datetime(),
  message: z.string(),
  consoles: consolesSchema.default({}),
});

/** Of the experiment, besides the cell. */
const settingsSchema = z.strictObject({
  guest: z.strictObject({ processors: count, memory: z.string(), accelerator: z.string() }),
  sink: z.boolean(),
  convergeSeconds: count,
  downtimeLimitMs: count,
  settleSeconds: count,
});

export const runSchema = z.strictObject({
  format: z.literal('fakedirty-lab-run-1'),
  id: z.string(),
  experiment: z.string(),
  cell: z.strictObject({
    workload: z.strictObject({ name: z.string(), options: z.record(z.string(), z.unknown()) }),
    memoryMiB: count,
    method: z.string(),
    link: linkSchema,
  }),
  cellKey: z.string(),
  /** Runs of earlier versions don't tell them. */
  settings: settingsSchema.optional(),
  round: z.int(),
  warmUp: z.boolean(),
  /** Of the workload, where its options give none. */
  seed: z.int(),
  startedAt: z.iso.datetime(),
  tookMs: count,
  machine: machineSchema,
  /** Attempts that did not work, before this one or all there were. */
  failures: z.array(failureSchema),
  /** Null: no attempt worked. */
  measurement: measurementSchema.nullable(),
});

export type Run = z.output<typeof runSchema>;
export type MeasuredRun = Run & { readonly measurement: Measurement };

export function isMeasured(run: Run): run is MeasuredRun {
  return run.measurement !== null;
}

const pagesNamed = 8;

/** What makes a measurement worthless, in sentences: nothing, if all is as it has to be. */
export function faultsOf({ memory, workload }: Measurement): string[] {
  const faults = workload.checks
    .filter(({ wrong }) => wrong > 0)
    .map(({ what, checked, wrong }) => `${wrong} of ${checked} ${what} were wrong after the move`);
  if (memory && memory.differentPages > 0) {
    const { pages, differentPages, firstDifferent = [] } = memory;
    const named = firstDifferent.slice(0, pagesNamed).join(', ');
    const which = differentPages > pagesNamed ? `the first: ${named}` : named;
    faults.push(`${differentPages} of ${pages} pages differed between the two sides (${which})`);
  }
  return faults;
}

/**
 * What stopped the guest before the migration ended by itself: the limit of the experiment, or the policy that its
 * method has. Undefined: nothing did.
 */
export function stoppedBy({ migration }: Measurement): 'limit' | 'policy' | undefined {
  const stop = migration.policyEvaluations.find(({ decision }) => decision.choice === 'stop-now');
  if (!stop) return undefined;
  return stop.decision.policy === timeLimitPolicy ? 'limit' : 'policy';
}
