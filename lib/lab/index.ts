// fakedirty/lab: runs migration experiments with real VMs and reports their results.
// The guide is docs/guides/lab.md.
//
// The rooms of this folder, in the order in which they may import each other: each imports only those before it.
//
//   model       schemas, and the types inferred from them: experiments, cells, runs
//   plan        the runs of an experiment, in their order
//   store       folders of results
//   report      tables, sentences, figures, the page; only report/write-report and report/figures load charts
//   hosts       places that VMs run on, and the link between them
//   guest       the guests that are migrated, and how to talk to them
//   workloads   what runs in a guest
//   methods     how a guest is migrated
//   catalogue   workloads, methods and figures by name, with those of your own; the experiment file
//   run         makes the runs, from an experiment to its results and report
export { z } from 'zod';
export { GuestError, QemuEndedError } from '../qemu/machine/errors.js';
export { AdditionsError, withAdditions } from './catalogue/additions.js';
export { builtIn } from './catalogue/built-in.js';
export { type Additions, Catalogue } from './catalogue/catalogue.js';
export { ExperimentError, parseExperiment } from './catalogue/experiment-file.js';
export { type Chosen, type Method, type ToChooseFor, withFilter } from './methods/method.js';
export { type Cell, describeCell, type WorkloadChoice } from './model/cell.js';
export type { Experiment, GuestSettings, RunSettings } from './model/experiment.js';
export type { Link } from './model/link.js';
export {
  isMeasured,
  type MeasuredRun,
  type Measurement,
  type PlannedRun,
  type Run,
} from './model/run.js';
export { stoppedBy } from './model/stopped-by.js';
export type { TimedReport, WorkloadCheck, WorkloadReport } from './model/workload-report.js';
export { plannedRuns } from './plan/planned-runs.js';
export { MissingPackageError } from './report/chart-packages.js';
export { comparisonText, outcomeText } from './report/comparison-text.js';
export type { Figure, FigureMaker, Results } from './report/figure.js';
export {
  type CellSummary,
  type Comparable,
  type Metric,
  metrics,
  type Values,
  valuesOf,
} from './report/summary.js';
export type { WrittenReport } from './report/write-report.js';
export { AttemptError, InterruptedError } from './run/errors.js';
export { type Accelerators, NoAcceleratorError } from './run/find-qemu.js';
export type { DisturbedEvent, RunCounts, RunEvent } from './run/measure-runs.js';
export { UnmetNeedsError } from './run/needs.js';
export { type ExperimentResults, readResults, writeReport } from './run/results.js';
export {
  type ExperimentEvent,
  type ExperimentOptions,
  type ExperimentOutcome,
  runExperiment,
} from './run/run-experiment.js';
export { othersText } from './store/kept-runs.js';
export { ResultError } from './store/result-error.js';
export { type Capacity, share, size, sizeBytes } from './workloads/options.js';
export {
  allInGuest,
  assignments,
  type OutputReader,
  type PackagedPrograms,
  shareBytes,
  type Workload,
  type WorkloadCommands,
  type WorkloadEnvironment,
  WorkloadOptionsError,
  workload,
} from './workloads/workload.js';
