// A workload at work, whoever makes it: what it reports of itself over time, and whether all is right when it is
// stopped.
import { setTimeout as delay } from 'node:timers/promises';
import { GuestError, type Report } from '../guest/control.js';

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

  /** Of ours, at this moment. */
  get isHeld(): boolean {
    return this.#heldSinceMs !== undefined;
  }

  /** Operations that it has told of. */
  get operations(): number {
    return this.reports.at(-1)?.operations ?? 0;
  }

  /** Until it has told of more work than by now, or, of one that does none, has just told; throws when it does not. */
  async untilItGoesOn(
    tellsBy: 'working' | 'reporting',
    { withinMs, signal }: { readonly withinMs: number; readonly signal: AbortSignal },
  ): Promise<void> {
    const figure = () => (tellsBy === 'working' ? this.operations : this.reports.length);
    const [before, sinceMs] = [figure(), performance.now()];
    while (figure() <= before) {
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
