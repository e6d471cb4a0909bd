// A workload at work, whoever makes it: what it reports of itself over time, and whether all is right when it is
// stopped.
import { setTimeout as delay } from 'node:timers/promises';
import { GuestError, type Report } from '../guest/linux-control.js';

export interface TimedReport extends Omit<Report, 'type'> {
  /** When it was heard, by this machine's clock, since the workload was started. */
  readonly heardMs: number;
}

export interface WorkloadCheck {
  readonly what: string;
  readonly checked: number;
  readonly wrong: number;
}

const lookMs = 20;
/** With one whose operations take long, in the longest that one has taken so far. */
const patience = 3;

export abstract class WorkloadAtWork {
  readonly reports: TimedReport[] = [];
  readonly #startedMs = performance.now();
  #heldSinceMs: number | undefined;
  #leftOutMs = 0;

  /** By the clock of the reports. */
  get elapsedMs(): number {
    return (this.#heldSinceMs ?? performance.now()) - this.#startedMs - this.#leftOutMs;
  }

  /** Stops that clock for as long as the guest is held for reasons of our own. */
  hold(): void {
    this.#heldSinceMs ??= performance.now();
  }

  /** The guest goes on, and so does the clock. */
  goOn(): void {
    if (this.#heldSinceMs !== undefined) this.#leftOutMs += performance.now() - this.#heldSinceMs;
    this.#heldSinceMs = undefined;
  }

  /** Whether we hold the guest now. */
  get isHeld(): boolean {
    return this.#heldSinceMs !== undefined;
  }

  /** Operations that it has told of. */
  get operations(): number {
    return this.reports.at(-1)?.operations ?? 0;
  }

  /** Whether it has ended, which nobody asked of it: stop() says why. */
  protected get hasEnded(): boolean {
    return false;
  }

  /** The longest that it has taken to tell of more, this moment included. */
  get #longestPauseMs(): number {
    let [longestMs, sinceMs, operations] = [0, 0, 0];
    for (const report of this.reports) {
      if (report.operations <= operations) continue;
      longestMs = Math.max(longestMs, report.heardMs - sinceMs);
      [sinceMs, operations] = [report.heardMs, report.operations];
    }
    return Math.max(longestMs, this.elapsedMs - sinceMs);
  }

  /**
   * Until it has told of more work than by now, or, of one that does none, has just told. Throws when it does not
   * for so long, and for longer than it can be expected to take.
   */
  async untilItGoesOn(
    tellsBy: 'working' | 'reporting',
    { leastMs, signal }: { readonly leastMs: number; readonly signal: AbortSignal },
  ): Promise<void> {
    const figure = () => (tellsBy === 'working' ? this.operations : this.reports.length);
    const [before, sinceMs] = [figure(), performance.now()];
    const withinMs = Math.max(leastMs, Math.round(patience * this.#longestPauseMs));
    while (figure() <= before && !this.hasEnded) {
      if (performance.now() - sinceMs > withinMs) {
        const last = `the last report told of ${this.operations} operations`;
        throw new GuestError(
          `The workload did not go on within ${withinMs} ms after the move; ${last}.`,
        );
      }
      await delay(lookMs, undefined, { signal });
    }
  }

  /** Ends it where the guest runs now; answers what was checked. Throws when it had ended before. */
  abstract stop(): Promise<WorkloadCheck[]>;

  /** For when the guest is lost. */
  abstract abandon(): void;
}
