// How far a run is, and how long the rest will take.
import { StatusLine, type TextOutput } from '../../lib/format/status-line.js';
import { waitText } from '../../lib/format/text.js';
import type { Done } from './rounds.js';

const elsewhereEveryMs = 15_000;

export class Progress {
  readonly #line: StatusLine;
  readonly #nowMs: () => number;
  readonly #title: string;
  readonly #startMs: number;

  constructor(title: string, output: TextOutput, nowMs = () => performance.now()) {
    this.#title = title;
    this.#line = new StatusLine(output, { elsewhereEveryMs, nowMs });
    this.#nowMs = nowMs;
    this.#startMs = nowMs();
  }

  show({ what, done, total }: Done): void {
    const leftMs = ((this.#nowMs() - this.#startMs) / done) * (total - done);
    const text = `${this.#title}: ${done} of ${total}, ${waitText(leftMs)} left`;
    this.#line.show(`${text} (${what})`, text);
  }

  end(): void {
    this.#line.print(`${this.#title}: done in ${waitText(this.#nowMs() - this.#startMs)}`);
  }

  /** Leaves the terminal's line clean for a message. */
  break(): void {
    this.#line.clear();
  }
}
