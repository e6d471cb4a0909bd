// A workload while it runs, whatever makes it: what it reports over time, and whether everything is right when it is
// stopped.

import { setTimeout as delay } from 'node:timers/promises';
import { plural } from '../../format/plural.js';
import { GuestError } from '../../qemu/machine/errors.js';
import type { TimedReport, WorkloadCheck } from '../model/workload-report.js';

const pollMs = 20;
/** How many times as long as the longest pause so far a workload may take to make progress. */
const patience = 3;

/** A workload that runs. */
export abstract class WorkloadRun {
  readonly reports: TimedReport[] = [];
  readonly #startedMs = performance.now();
  #pausedSinceMs: number | undefined;
  #pausedMs = 0;

  /** The clock of the reports: time since the workload was started, without pauses. */
  get elapsedMs(): number {
    return (this.#pausedSinceMs ?? performance.now()) - this.#startedMs - this.#pausedMs;
  }

  /** Stops that clock while the lab, and not the migration, keeps the guest paused. */
  pauseClock(): void {
    this.#pausedSinceMs ??= performance.now();
  }

  /** The guest runs again, and so does the clock. */
  resumeClock(): void {
    if (this.#pausedSinceMs !== undefined)
      this.#pausedMs += performance.now() - this.#pausedSinceMs;
    this.#pausedSinceMs = undefined;
  }

  /** Whether the lab keeps the guest paused now. */
  get isPaused(): boolean {
    return this.#pausedSinceMs !== undefined;
  }

  /** Operations reported so far. */
  get operations(): number {
    return this.reports.at(-1)?.operations ?? 0;
  }

  /** Whether it has ended although nobody stopped it: stop() throws the reason. */
  protected get hasEnded(): boolean {
    return false;
  }

  /** The longest time that it has taken to report more operations, including the time since its last progress. */
  get #longestPauseMs(): number {
    let [longestMs, sinceMs, operations] = [0, 0, 0];
    for (const report of this.reports) {
      if (report.operations <= operations) continue;
      longestMs = Math.max(longestMs, report.receivedMs - sinceMs);
      [sinceMs, operations] = [report.receivedMs, report.operations];
    }
    return Math.max(longestMs, this.elapsedMs - sinceMs);
  }

  /**
   * Waits until it has reported more operations than now; if `progress` is 'reports', until it has reported at all, which
   * is enough of a workload that does nothing. Throws when that takes longer than `minMs`, and longer than can be expected
   * from the pauses so far.
   */
  async untilProgress(
    progress: 'operations' | 'reports',
    { minMs, signal }: { readonly minMs: number; readonly signal: AbortSignal },
  ): Promise<void> {
    const figure = () => (progress === 'operations' ? this.operations : this.reports.length);
    const [before, sinceMs] = [figure(), performance.now()];
    const limitMs = Math.max(minMs, Math.round(patience * this.#longestPauseMs));
    while (figure() <= before && !this.hasEnded) {
      if (performance.now() - sinceMs > limitMs) {
        throw new GuestError(
          `The workload made no progress within ${limitMs} ms after the move; ` +
            `its last report says ${plural(this.operations, 'operation')}.`,
        );
      }
      await delay(pollMs, undefined, { signal });
    }
  }

  /** Stops it where the guest runs now, and returns what was checked. Throws when it had ended before. */
  abstract stop(): Promise<WorkloadCheck[]>;

  /** Forgets it without stopping it, when the guest is lost. */
  abstract abandon(): void;
}
