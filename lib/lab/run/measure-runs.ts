// Makes the runs of an experiment in the planned order: continues where an earlier start ended, tries again what failed,
// and keeps every result.

import { realpathSync } from 'node:fs';
import { messageOf } from '../../errors/message-of.js';
import { mean } from '../../statistics/samples.js';
import { keyOf } from '../../system/cache.js';
import { withLock } from '../../system/lock.js';
import { type Experiment, settingsOf } from '../model/experiment.js';
import {
  type Consoles,
  type Measurement,
  type PlannedRun,
  problemsOf,
  type Run,
  runFormat,
} from '../model/run.js';
import { openRuns, plannedAmong, plannedRuns } from '../plan/planned-runs.js';
import { assertComparable } from '../store/comparability.js';
import type { ResultStore } from '../store/result-store.js';
import {
  announceLab,
  loadWarning,
  type MachineLoad,
  machineLoad,
  otherLabsWarning,
} from './disturbances.js';
import { AttemptError, InterruptedError } from './errors.js';
import { machineFacts } from './machine-facts.js';

/** Makes one run. It leaves nothing behind when it fails or is told to stop. */
export type MeasureRun = (run: PlannedRun, signal: AbortSignal) => Promise<Measurement>;

/** Which run an event is about, and how far the experiment is. */
interface Position {
  readonly run: PlannedRun;
  /** Runs that are finished, including those of earlier starts. */
  readonly done: number;
  readonly total: number;
  /** An estimate from the runs so far; undefined: none has been made yet. */
  readonly remainingMs: number | undefined;
}

/** What happens in an experiment. */
export type RunEvent = Position &
  (
    | { readonly type: 'run-started' }
    | { readonly type: 'attempt-failed'; readonly message: string }
    | { readonly type: 'run-measured'; readonly measurement: Measurement }
    /** Every attempt failed; the message is that of the last one. */
    | { readonly type: 'run-failed'; readonly message: string }
  );

type EventDetails<Event = RunEvent> = Event extends RunEvent ? Omit<Event, keyof Position> : never;

/** Something else takes the machine's time: the runs that follow are kept with that warning. */
export interface DisturbedEvent {
  /** Tells this event from others. */
  readonly type: 'disturbed';
  /** What disturbs them, in a sentence or two. */
  readonly warning: string;
}

/** An experiment, and who measures its runs. */
export interface MeasureRunsOptions {
  readonly experiment: Experiment;
  readonly store: ResultStore;
  readonly measure: MeasureRun;
  readonly onEvent?: ((event: RunEvent | DisturbedEvent) => void) | undefined;
  /** How busy the machine is before the first run. */
  readonly load?: (() => MachineLoad) | undefined;
  /** Ends the experiment between or within runs; what has been measured is kept. */
  readonly signal?: AbortSignal | undefined;
}

/** What became of the runs of an experiment. */
export interface RunCounts {
  /** Runs that were measured now. */
  readonly measured: number;
  /** Runs that an earlier start had measured. */
  readonly resumed: number;
  /** Runs of which every attempt failed. */
  readonly failed: readonly Run[];
}

function consolesOf(error: unknown): Consoles {
  return error instanceof AttemptError ? error.consoles : {};
}

class Runner {
  readonly #options: MeasureRunsOptions;
  readonly #planned: readonly PlannedRun[];
  readonly #machine = machineFacts();
  readonly #tookMs: number[] = [];
  /** Of other work: measured before the first run, because the runs themselves are work. */
  #loadWarning: string | undefined;
  readonly #told = new Set<string>();
  #done = 0;

  constructor(options: MeasureRunsOptions) {
    this.#options = options;
    this.#planned = plannedRuns(options.experiment);
  }

  async measureAll(): Promise<RunCounts> {
    const { store, signal } = this.#options;
    const earlier = plannedAmong(store.runs(), this.#planned);
    const open = openRuns(this.#planned, earlier);
    const resumed = this.#planned.length - open.length;
    this.#done = resumed;
    if (open.length > 0) this.#loadWarning = loadWarning((this.#options.load ?? machineLoad)());
    const failed: Run[] = [];
    for (const planned of open) {
      if (signal?.aborted) throw new InterruptedError('The experiment was interrupted.');
      const run = await this.#make(planned);
      // Before it is kept: nobody could tell later why the rounds of a cell differ.
      assertComparable(earlier, run, store.directory);
      store.write(run);
      this.#done += 1;
      this.#tookMs.push(run.tookMs);
      if (run.measurement) {
        this.#emit(planned, { type: 'run-measured', measurement: run.measurement });
      } else {
        failed.push(run);
        this.#emit(planned, { type: 'run-failed', message: run.failures.at(-1)?.message ?? '' });
      }
    }
    return { measured: open.length - failed.length, resumed, failed };
  }

  /** All attempts at a run. */
  async #make(planned: PlannedRun): Promise<Run> {
    const { experiment, signal } = this.#options;
    const startedAt = new Date().toISOString();
    const sinceMs = performance.now();
    const failures: Run['failures'] = [];
    let measurement: Measurement | null = null;
    const before = this.#disturbances();
    this.#emit(planned, { type: 'run-started' });
    while (!measurement && failures.length <= experiment.retries) {
      try {
        measurement = await this.#attempt(planned);
      } catch (error) {
        if (signal?.aborted) {
          throw new InterruptedError('The experiment was interrupted.', { cause: error });
        }
        const message = messageOf(error);
        failures.push({ at: new Date().toISOString(), message, consoles: consolesOf(error) });
        this.#emit(planned, { type: 'attempt-failed', message });
      }
    }
    return {
      format: runFormat,
      ...planned,
      experiment: experiment.name,
      settings: settingsOf(experiment),
      startedAt,
      tookMs: performance.now() - sinceMs,
      machine: this.#machine,
      disturbances: [...new Set([...before, ...this.#disturbances()])],
      failures,
      measurement,
    };
  }

  async #attempt(planned: PlannedRun): Promise<Measurement> {
    const { experiment, measure, signal } = this.#options;
    const limitMs = experiment.timeLimitSeconds * 1000;
    const timeout = AbortSignal.timeout(limitMs);
    const signals = signal ? [signal, timeout] : [timeout];
    let measurement: Measurement;
    try {
      measurement = await measure(planned, AbortSignal.any(signals));
    } catch (error) {
      if (!timeout.aborted) throw error;
      const message = `The run took more than ${limitMs} ms. ${messageOf(error)}`;
      throw new AttemptError(message, consolesOf(error), { cause: error });
    }
    const problems = problemsOf(measurement);
    if (problems.length > 0)
      throw new AttemptError(`${problems.join('; ')}.`, measurement.consoles);
    return measurement;
  }

  /** What disturbs runs now; each warning is told once. */
  #disturbances(): string[] {
    const warnings = [this.#loadWarning, otherLabsWarning()].filter((one) => one !== undefined);
    for (const warning of warnings) {
      if (!this.#told.has(warning)) this.#options.onEvent?.({ type: 'disturbed', warning });
      this.#told.add(warning);
    }
    return warnings;
  }

  #emit(run: PlannedRun, details: EventDetails): void {
    const total = this.#planned.length;
    const remaining = total - this.#done;
    const remainingMs = this.#tookMs.length > 0 ? remaining * mean(this.#tookMs) : undefined;
    this.#options.onEvent?.({ run, done: this.#done, total, remainingMs, ...details });
  }
}

/** Makes all runs that are still open, and keeps them. Only one process at a time works on a folder of results. */
export function measureRuns(options: MeasureRunsOptions): Promise<RunCounts> {
  options.store.prepare();
  const name = `lab-results-${keyOf(realpathSync(options.store.directory))}`;
  return withLock(name, console.error, async () => {
    const leave = announceLab();
    try {
      return await new Runner(options).measureAll();
    } finally {
      leave();
    }
  });
}
