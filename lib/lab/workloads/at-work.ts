// A workload at work, whoever makes it: what it reports of itself over time, and whether all is right when it is
// stopped.
import type { Report } from '../guest/control.js';

export interface TimedReport extends Omit<Report, 'type'> {
  /** When it was heard, by this machine's clock, since the workload was started. */
  readonly heardMs: number;
}

export interface WorkloadCheck {
  readonly what: string;
  readonly checked: number;
  readonly wrong: number;
}

export abstract class WorkloadAtWork {
  readonly reports: TimedReport[] = [];
  readonly #startedMs = performance.now();
  #leftOutMs = 0;

  /** By the clock of the reports. */
  get elapsedMs(): number {
    return performance.now() - this.#startedMs - this.#leftOutMs;
  }

  /** Takes out of that clock a time for which the guest was held for reasons of our own. */
  leaveOut(ms: number): void {
    this.#leftOutMs += ms;
  }

  /** Ends it where the guest runs now; answers what was checked. Throws when it had ended before. */
  abstract stop(): Promise<WorkloadCheck[]>;

  /** For when the guest is lost. */
  abstract abandon(): void;
}
