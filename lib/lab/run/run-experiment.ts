// An experiment from its file to its report: finds a QEMU, checks what the runs need, makes them, and reports.
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { checkOptions, optionNames } from '../../errors/check-options.js';
import { nearestOf } from '../../errors/nearest.js';
import { OptionError } from '../../errors/option-error.js';
import { option, sentence } from '../../errors/wording.js';
import type { MigrateOptions } from '../../migration/options.js';
import { defaultQemuVersion, type QemuVersion } from '../../qemu/compile/versions.js';
import { ensureWritable } from '../../system/atomic-write.js';
import { packageRoot } from '../../system/package-root.js';
import { builtIn } from '../catalogue/built-in.js';
import type { Catalogue } from '../catalogue/catalogue.js';
import { ExperimentError, parseExperiment } from '../catalogue/experiment-file.js';
import type { Experiment } from '../model/experiment.js';
import type { PlannedRun } from '../model/run.js';
import { openRuns, plannedRuns } from '../plan/planned-runs.js';
import type { WrittenReport } from '../report/write-report.js';
import { ResultStore, writeResults } from '../store/result-store.js';
import { InterruptedError } from './errors.js';
import {
  type Accelerators,
  acceleratorOf,
  checkProgram,
  findAccelerators,
  findQemu,
  guestKindOf,
} from './find-qemu.js';
import { measureWith } from './measure-run.js';
import {
  type DisturbedEvent,
  type MeasureRun,
  measureRuns,
  type RunCounts,
  type RunEvent,
} from './measure-runs.js';
import { checkNeeds } from './needs.js';
import { checkQemu } from './qemu-needs.js';
import {
  type ExperimentResults,
  experimentFileName,
  loadReportWriter,
  readResults,
  writeReport,
} from './results.js';

/** What happens while an experiment runs: it begins once, and then its runs follow. */
export type ExperimentEvent =
  | {
      readonly type: 'experiment-started';
      /** All runs, including those that an earlier start has measured. */
      readonly runs: number;
      readonly directory: string;
      /** The QEMU program. */
      readonly qemu: string;
      /** By the kind of guest, for those that the runs to come have. */
      readonly accelerators: Accelerators;
    }
  | DisturbedEvent
  | RunEvent;

/** Which experiment to run, and how. */
export interface ExperimentOptions {
  /** The experiment, or the path of its file. */
  readonly experiment: Experiment | string;
  /** The folder of results; lab-results/NAME by default, or lab-results/NAME-sink with the option `sink`. */
  readonly directory?: string | undefined;
  /** Runs it without a destination, even if the experiment has one: pages are only counted. */
  readonly sink?: boolean | undefined;
  /** The QEMU program; by default the one that has been built, else the system's if no method needs the filter. */
  readonly qemu?: string | undefined;
  /** Which of the QEMUs that have been built; 7.2 by default. */
  readonly version?: QemuVersion | undefined;
  /** The workloads, methods and figures that there are; the built-in ones by default. */
  readonly catalogue?: Catalogue | undefined;
  /** Whether to write a report at the end; true by default. A report needs the packages that draw it. */
  readonly report?: boolean | undefined;
  /** Called when a run starts, fails, or is done. */
  readonly onEvent?: ((event: ExperimentEvent) => void) | undefined;
  /** Called after each pass of a migration. */
  readonly onPass?: MigrateOptions['onPass'] | undefined;
  /** Called several times a second during a migration: QEMU is asked that often only if this is given. */
  readonly onMigrationProgress?: MigrateOptions['onProgress'] | undefined;
  /** Ends the experiment; the same call continues it later. */
  readonly signal?: AbortSignal | undefined;
}

const experimentNames = optionNames<ExperimentOptions>({
  experiment: true,
  directory: true,
  sink: true,
  qemu: true,
  version: true,
  catalogue: true,
  report: true,
  onEvent: true,
  onPass: true,
  onMigrationProgress: true,
  signal: true,
});

/** What an experiment came to. */
export interface ExperimentOutcome extends RunCounts {
  /** The folder of results. */
  readonly directory: string;
  /** Undefined: no run was measured. */
  readonly results: ExperimentResults | undefined;
  /** Undefined: no report was asked for, or no run was measured. */
  readonly report: WrittenReport | undefined;
}

interface Source {
  /** As the experiment's file says. */
  readonly experiment: Experiment;
  /** The text of its file. */
  readonly text: string;
  /** Undefined: it was not read from a file. */
  readonly file: string | undefined;
}

/** The experiment files of a folder; none if it can't be read. */
function experimentsIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => /\.ya?ml$/.test(name));
  } catch {
    return [];
  }
}

/** Its text. Names files with similar names where there is none: beside it, or among those of this package. */
function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT') throw new ExperimentError(file, [`it can't be read: ${message}`]);
    const folders = [dirname(file), join(packageRoot, 'experiments')];
    const [near] = folders.flatMap((folder) => {
      const name = nearestOf(basename(file), experimentsIn(folder));
      return name === undefined ? [] : join(folder, name);
    });
    const hint = near === undefined ? '' : ` Did you mean '${near}'?`;
    throw new ExperimentError(file, [`there is no such file.${hint}`]);
  }
}

function readSource(given: Experiment | string, catalogue: Catalogue): Source {
  if (typeof given !== 'string') {
    return { experiment: given, text: stringify(given), file: undefined };
  }
  const text = readText(given);
  return { experiment: parseExperiment(text, given, catalogue), text, file: given };
}

/** The experiment's text, as it is run. */
function textAsRun(text: string, sink: boolean): string {
  if (!sink || /^sink: *true\b/m.test(text)) return text;
  return `${text.replace(/^sink:.*\n?/m, '').trimEnd()}\nsink: true\n`;
}

/** Keeps the experiment's text beside its results. */
function keepExperiment(directory: string, { text, file }: Source, sink: boolean): void {
  const copy = join(directory, experimentFileName);
  if (file !== undefined && resolve(file) === resolve(copy)) return;
  writeResults(directory, new Map([[experimentFileName, textAsRun(text, sink)]]), {
    what: experimentFileName,
    advice: sentence`Make room, or name another folder with ${option('directory')}.`,
  });
}

/** Runs or resumes an experiment, and writes its report. Runs that fail do not end it: they are in the outcome. */
export async function runExperiment(options: ExperimentOptions): Promise<ExperimentOutcome> {
  checkOptions(options, experimentNames);
  const { catalogue = builtIn, version, report = true, onEvent, signal } = options;
  if (version !== undefined && options.qemu !== undefined) {
    const why = sentence`has no effect with ${option('qemu')}, which names a QEMU; leave one of them out`;
    throw new OptionError('version', why);
  }
  const source = readSource(options.experiment, catalogue);
  const sink = options.sink === true || source.experiment.sink;
  const experiment = { ...source.experiment, sink };
  const suffix = sink && !source.experiment.sink ? '-sink' : '';
  const directory = options.directory ?? join('lab-results', `${experiment.name}${suffix}`);
  const store = new ResultStore(directory);
  const planned = plannedRuns(experiment);
  if (options.qemu !== undefined) checkProgram(options.qemu);
  const removeDirectory = ensureWritable(directory, 'directory');
  let qemu: string;
  let runs: readonly PlannedRun[];
  try {
    qemu = options.qemu ?? findQemu(experiment, catalogue, version ?? defaultQemuVersion);
    runs = openRuns(planned, store.runs());
    await checkNeeds({ experiment, runs, catalogue });
    if (report) await loadReportWriter(sentence`, or run it with ${option('report', false)}`);
  } catch (error) {
    removeDirectory();
    throw error;
  }
  keepExperiment(directory, source, sink);
  const kindOf = (run: PlannedRun) => guestKindOf(run, catalogue);
  const kinds = new Set(runs.map(kindOf));
  const accelerators = await findAccelerators(experiment, qemu, kinds);
  if (signal?.aborted) throw new InterruptedError('The experiment was interrupted.');
  for (const kind of kinds) {
    const ofKind = runs.filter((run) => kindOf(run) === kind);
    const accelerator = acceleratorOf(accelerators, kind);
    await checkQemu({ binary: qemu, accelerator, runs: ofKind, catalogue });
  }
  onEvent?.({ type: 'experiment-started', runs: planned.length, directory, qemu, accelerators });
  const { onPass, onMigrationProgress: onProgress } = options;
  const watch = { ...(onPass && { onPass }), ...(onProgress && { onProgress }) };
  const measure: MeasureRun = (run, stop) => {
    const accelerator = acceleratorOf(accelerators, kindOf(run));
    return measureWith({ binary: qemu, accelerator, experiment, catalogue, watch })(run, stop);
  };
  const counts = await measureRuns({ experiment, store, measure, onEvent, signal });
  const hasResults = counts.measured + counts.resumed > 0;
  return {
    ...counts,
    directory,
    results: hasResults ? readResults(directory, catalogue) : undefined,
    report: hasResults && report ? await writeReport(directory, catalogue) : undefined,
  };
}
