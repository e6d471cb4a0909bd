// How far an experiment is: the share of its runs that are finished, and the time left. Neither runs backwards: runs differ
// in length, so an estimate may grow with the next one; it is then not shown until it is again below what was shown last.
import { waitText } from '../format/text.js';

/** How far the experiment is, as its events say. */
interface Position {
  readonly done: number;
  readonly total: number;
  /** Undefined: no run has been measured yet. */
  readonly remainingMs: number | undefined;
}

/** What is shown of one experiment from its first run to its last. */
export class LabProgress {
  #percent = 0;
  #leftMs = Number.POSITIVE_INFINITY;

  /** Such as "3/12, 16 %, 4 min 10 s left", before the third run. */
  text({ done, total, remainingMs }: Position): string {
    this.#percent = Math.max(this.#percent, Math.floor((100 * done) / Math.max(1, total)));
    const isLess = remainingMs !== undefined && remainingMs <= this.#leftMs;
    if (isLess) this.#leftMs = remainingMs;
    const left = isLess ? `, ${waitText(remainingMs)} left` : '';
    return `${done + 1}/${total}, ${this.#percent} %${left}`;
  }
}
