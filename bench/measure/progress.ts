// How far the run is: one line that is rewritten on a terminal, a line now and then elsewhere.
import type { Done } from './rounds.js';

export interface ProgressOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const secondsBetweenLines = 15;
const clear = '\r\u001B[2K';

export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const minutes = Math.floor(whole / 60);
  return minutes === 0 ? `${whole} s` : `${minutes} min ${whole % 60} s`;
}

export class Progress {
  readonly #output: ProgressOutput;
  readonly #now: () => number;
  readonly #title: string;
  readonly #startSeconds: number;
  #lastLineSeconds: number;

  /** `now` answers seconds. */
  constructor(title: string, output: ProgressOutput, now = () => performance.now() / 1000) {
    this.#title = title;
    this.#output = output;
    this.#now = now;
    this.#startSeconds = now();
    this.#lastLineSeconds = this.#startSeconds;
  }

  show({ what, done, total }: Done): void {
    const now = this.#now();
    const leftSeconds = ((now - this.#startSeconds) / done) * (total - done);
    const line = `${this.#title}: ${done} of ${total}, ${duration(leftSeconds)} left`;
    if (this.#output.isTTY) {
      const room = (this.#output.columns ?? 80) - 1;
      this.#output.write(`${clear}${`${line} (${what})`.slice(0, room)}`);
    } else if (now - this.#lastLineSeconds >= secondsBetweenLines) {
      this.#lastLineSeconds = now;
      this.#output.write(`${line}\n`);
    }
  }

  end(): void {
    const took = duration(this.#now() - this.#startSeconds);
    this.#output.write(`${this.#output.isTTY ? clear : ''}${this.#title}: done in ${took}\n`);
  }

  /** Leaves the terminal's line clean for a message. */
  break(): void {
    if (this.#output.isTTY) this.#output.write(clear);
  }
}
