// Carries an experiment out: run by run, in the planned order; goes on where an earlier start ended; tries
// again what failed, and reports it.

import { realpathSync } from 'node:fs';
import { keyOf } from '../../../scripts/run/cache.mjs';
import { withLock } from '../../../scripts/run/lock.mjs';
import { FakedirtyError } from '../../errors/error.js';
import { mean } from '../../statistics/samples.js';
import type { Experiment } from '../model/experiment.js';
import { machineFacts } from '../model/machine.js';
import { type Consoles, faultsOf, isMeasured, type Measurement, type Run } from '../model/run.js';
import { type PlannedRun, plannedAmong, plannedRuns, settingsOf } from '../plan/planned-runs.js';
import { differencesFrom } from '../store/comparability.js';
import { ResultError, type ResultStore } from '../store/result-store.js';

/** Makes one run; has to leave nothing behind when it fails or is told to stop. */
export type Measure = (run: PlannedRun, signal: AbortSignal) => Promise<Measurement>;

export interface Progress {
  readonly run: PlannedRun;
  readonly what: 'starts' | 'done' | 'fails' | 'gives up';
  /** Why it fails. */
  readonly message?: string;
  /** What it came to, when it is done. */
  readonly measurement?: Measurement;
  /** Runs that need not be made any more. */
  readonly done: number;
  readonly total: number;
  /** At the pace so far; undefined: nothing has been made yet. */
  readonly leftMs: number | undefined;
}

export interface RunnerOptions {
  readonly experiment: Experiment;
  readonly store: ResultStore;
  readonly measure: Measure;
  readonly onProgress?: (progress: Progress) => void;
  /** Ends the experiment between or within runs; what has been measured stays. */
  readonly signal?: AbortSignal;
}

export interface ExperimentEnd {
  readonly measured: number;
  /** They were there from an earlier start. */
  readonly resumed: number;
  /** No attempt worked. */
  readonly failed: readonly Run[];
}

/** What went wrong with an attempt, and what its guest had to say. */
export class AttemptError extends FakedirtyError {
  override readonly name = 'AttemptError';
  override readonly code = 'ERR_ATTEMPT';

  constructor(
    message: string,
    readonly consoles: Consoles,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

function consolesOf(error: unknown): Consoles {
  return error instanceof AttemptError ? error.consoles : {};
}

/** Thrown when the signal ended the experiment. */
export class InterruptedError extends FakedirtyError {
  override readonly name = 'InterruptedError';
  override readonly code = 'ERR_INTERRUPTED';
}

/** Those that have still to be made: one that failed for good is tried again by a later start. */
export function openRuns(planned: readonly PlannedRun[], ended: readonly Run[]): PlannedRun[] {
  const earlier = new Map(ended.map((run) => [run.id, run]));
  return planned.filter(({ id }) => !earlier.get(id)?.measurement);
}

class Runner {
  readonly #options: RunnerOptions;
  readonly #planned: readonly PlannedRun[];
  readonly #machine = machineFacts();
  readonly #tookMs: number[] = [];
  #done = 0;

  constructor(options: RunnerOptions) {
    this.#options = options;
    this.#planned = plannedRuns(options.experiment);
  }

  async carryOut(): Promise<ExperimentEnd> {
    const { store, signal } = this.#options;
    const earlier = plannedAmong(store.runs(), this.#planned);
    const open = openRuns(this.#planned, earlier);
    const resumed = this.#planned.length - open.length;
    this.#done = resumed;
    const failed: Run[] = [];
    for (const planned of open) {
      if (signal?.aborted) throw new InterruptedError('The experiment was interrupted.');
      const run = await this.#make(planned);
      this.#demandAlike(earlier, run);
      store.write(run);
      this.#done += 1;
      this.#tookMs.push(run.tookMs);
      if (!isMeasured(run)) failed.push(run);
      if (run.measurement) this.#tell(planned, 'done', { measurement: run.measurement });
      else this.#tell(planned, 'gives up', { message: run.failures.at(-1)?.message ?? '' });
    }
    return { measured: open.length - failed.length, resumed, failed };
  }

  /** Before it is written: nobody could tell later why the rounds of a cell differ. */
  #demandAlike(earlier: readonly Run[], run: Run): void {
    const differences = differencesFrom(earlier, run);
    if (differences.length === 0) return;
    const { directory } = this.#options.store;
    throw new ResultError(
      `The results in ${directory} were made with something else, and can't be compared with what is measured ` +
        `now (${differences.join('; ')}). Name another folder with --out, or move that one away.`,
    );
  }

  /** All attempts at a run. */
  async #make(planned: PlannedRun): Promise<Run> {
    const { experiment, signal } = this.#options;
    const startedAt = new Date().toISOString();
    const sinceMs = performance.now();
    const failures: Run['failures'] = [];
    let measurement: Measurement | null = null;
    this.#tell(planned, 'starts');
    while (!measurement && failures.length <= experiment.retries) {
      try {
        measurement = await this.#attempt(planned);
      } catch (error) {
        if (signal?.aborted) {
          throw new InterruptedError('The experiment was interrupted.', { cause: error });
        }
        const message = error instanceof Error ? error.message : String(error);
        const consoles = consolesOf(error);
        failures.push({ at: new Date().toISOString(), message, consoles });
        this.#tell(planned, 'fails', { message });
      }
    }
    return {
      format: 'fakedirty-lab-run-1',
      ...planned,
      experiment: experiment.name,
      settings: settingsOf(experiment),
      startedAt,
      tookMs: performance.now() - sinceMs,
      machine: this.#machine,
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
      const reason = error instanceof Error ? error.message : String(error);
      const consoles = consolesOf(error);
      const message = `It took more than ${limitMs} ms. ${reason}`;
      throw new AttemptError(message, consoles, { cause: error });
    }
    const faults = faultsOf(measurement);
    if (faults.length > 0) throw new AttemptError(`${faults.join('; ')}.`, measurement.consoles);
    return measurement;
  }

  #tell(
    run: PlannedRun,
    what: Progress['what'],
    more: Pick<Progress, 'message' | 'measurement'> = {},
  ): void {
    const total = this.#planned.length;
    const left = total - this.#done;
    const leftMs = this.#tookMs.length > 0 ? left * mean(this.#tookMs) : undefined;
    this.#options.onProgress?.({ run, what, done: this.#done, total, leftMs, ...more });
  }
}

/** Only one process at a time works on a folder of results. */
export function runExperiment(options: RunnerOptions): Promise<ExperimentEnd> {
  options.store.prepare();
  const name = `lab-results-${keyOf(realpathSync(options.store.directory))}`;
  return withLock(name, console.error, () => new Runner(options).carryOut());
}
