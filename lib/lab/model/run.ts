// A run of an experiment: as it is planned, and as it is kept. One schema, by which its file is written and read.
import { z } from 'zod';
import { resultSchema } from '../../migration/result.js';
import { cellSchema } from './cell.js';
import { runSettingsSchema } from './experiment.js';
import { machineSchema } from './machine.js';
import { timedReportSchema, workloadCheckSchema } from './workload-report.js';

const count = z.number().nonnegative();

/** The last lines of the guest's console, by the QEMU that it ran in. */
const consolesSchema = z.record(z.string(), z.array(z.string()));

/** The last lines of the guest's console, by the QEMU that it ran in. */
export interface Consoles extends Readonly<z.output<typeof consolesSchema>> {}

/** What one migration and its workload came to. */
export const measurementSchema = z.strictObject({
  /** What the hosts are, and what joins them. */
  hosts: z.string(),
  accelerator: z.string(),
  qemu: z.string(),
  kernel: z.string(),
  /** The command line of each program that was started, by its purpose. */
  commandLines: z.record(z.string(), z.array(z.string())),
  /** What was chosen before the migration, by a method that does so. */
  choice: z
    .strictObject({
      /** In words. */
      method: z.string(),
      reason: z.string(),
      /** How long it took to measure the guest for that. */
      tookMs: count,
    })
    .optional(),
  /** The options that migrate() was called with. */
  migrateOptions: z.record(z.string(), z.unknown()).default({}),
  migration: resultSchema,
  workload: z.strictObject({
    /** What one operation is. */
    operation: z.string(),
    /** By the clock of the reports. */
    migrationBeganMs: count,
    migrationEndedMs: count,
    reports: z.array(timedReportSchema),
    checks: z.array(workloadCheckSchema),
  }),
  /** Both sides' memory, page by page; null: it was not compared, for the reason given. */
  memory: z
    .strictObject({
      pages: count,
      differentPages: count,
      /** The numbers of the first different pages, if there are any. */
      firstDifferent: z.array(count).readonly().optional(),
    })
    .nullable(),
  memoryNotCompared: z.string().optional(),
  consoles: consolesSchema.default({}),
});

/** What one migration and its workload came to. */
export interface Measurement extends Readonly<z.output<typeof measurementSchema>> {}

const failureSchema = z.strictObject({
  at: z.iso.datetime(),
  message: z.string(),
  consoles: consolesSchema.default({}),
});

/** A run as it is planned. */
export const plannedRunSchema = z.strictObject({
  /** The name of its file. */
  id: z.string(),
  cell: cellSchema,
  /** The same for all runs of a cell. */
  cellKey: z.string(),
  /** From 1; warm-ups count down to it from 0. */
  round: z.int(),
  warmUp: z.boolean(),
  /** For what is random in this run, unless the workload's options give a seed: the same for all cells of a round. */
  seed: z.int(),
});

/** A run as it is planned. */
export interface PlannedRun extends Readonly<z.output<typeof plannedRunSchema>> {}

/** The format of the files that runs are kept in. Files of another format are refused. */
export const runFormat = 'fakedirty-lab-run-2' as const;

/** A run as it is kept. */
export const runSchema = plannedRunSchema.extend({
  format: z.literal(runFormat),
  /** The name of the experiment. */
  experiment: z.string(),
  settings: runSettingsSchema,
  startedAt: z.iso.datetime(),
  tookMs: count,
  machine: machineSchema,
  /** What else took the machine's time, in sentences: figures of this run may be worth less. */
  disturbances: z.array(z.string()).default([]),
  /** Attempts that failed before this one, or all of them. */
  failures: z.array(failureSchema),
  /** Null: every attempt failed. */
  measurement: measurementSchema.nullable(),
});

/** A run as it is kept. */
export interface Run extends Readonly<z.output<typeof runSchema>> {}

/** A run that an attempt has measured. */
export type MeasuredRun = Run & { readonly measurement: Measurement };

/** Whether an attempt has measured this run. */
export function isMeasured(run: Run): run is MeasuredRun {
  return run.measurement !== null;
}

const pagesNamed = 8;

/** What makes a measurement worthless, in sentences; empty if it is good. */
export function problemsOf({ memory, workload }: Measurement): string[] {
  const problems = workload.checks
    .filter(({ wrong }) => wrong > 0)
    .map(({ what, checked, wrong }) => `${wrong} of ${checked} ${what} were wrong after the move`);
  if (memory && memory.differentPages > 0) {
    const { pages, differentPages, firstDifferent = [] } = memory;
    const named = firstDifferent.slice(0, pagesNamed).join(', ');
    const which = differentPages > pagesNamed ? `the first: ${named}` : named;
    problems.push(`${differentPages} of ${pages} pages differed between the two sides (${which})`);
  }
  return problems;
}
