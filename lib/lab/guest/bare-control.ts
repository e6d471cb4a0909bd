// Asks the bare guest questions, which it answers on its serial port between two passes over its working set. The guest
// migrates: each question goes to the QEMU in which the guest runs, and again to the next one if the guest has moved before
// it answered. What the guest had begun to send or had not yet read may be lost with the first QEMU. It may also have taken
// the first question along, and answer twice; that does no harm, because every answer is about the moment at which it is given.
import { setTimeout as delay } from 'node:timers/promises';
import { GuestError } from '../../qemu/machine/errors.js';
import type { SerialLine } from '../../qemu/machine/serial-line.js';
import { readLines } from './read-lines.js';

const pollMs = 100;

const answers = {
  p: /^pass=([0-9A-Fa-f]{8})$/,
  '?': /^pass=([0-9A-Fa-f]{8}) bad=([0-9A-Fa-f]{8}) sum=([0-9A-Fa-f]{8})$/,
};
type Question = keyof typeof answers;

/** A QEMU in which the guest runs, or will run. */
export interface Side {
  readonly serial: SerialLine;
  /** Whether the guest runs there now. */
  isRunning(): Promise<boolean>;
}

interface Pending {
  readonly answer: RegExp;
  resolve(numbers: number[]): void;
  reject(error: Error): void;
}

/** Asks the bare guest questions, wherever it runs. */
export class BareControl {
  readonly #answerMs: number;
  readonly #sides = new Set<Side>();
  #pending: Pending | undefined;
  #lastLine = '';

  /** `answerMs`: how long the guest may take to answer while it runs. */
  constructor(answerMs = 120_000) {
    this.#answerMs = answerMs;
  }

  /** Adds a QEMU that the guest runs in, or will run in. */
  connect(side: Side): void {
    this.#sides.add(side);
    readLines(side.serial, (line) => this.#onLine(line)).then(() => {
      this.#sides.delete(side);
      if (this.#sides.size === 0) this.#pending?.reject(this.#ended());
    });
  }

  /** Asks one question at a time, and may wait for the guest to arrive. "p": passes. "?": passes, wrong words, sum. */
  async ask(question: Question): Promise<number[]> {
    if (this.#sides.size === 0) throw this.#ended();
    const over = new AbortController();
    try {
      return await new Promise<number[]>((resolve, reject) => {
        this.#pending = { answer: answers[question], resolve, reject };
        this.#follow(question, over.signal).catch(reject);
      });
    } finally {
      over.abort();
      this.#pending = undefined;
    }
  }

  /** Sends the question to the QEMU in which the guest runs. Only time in which it runs counts as time to answer. */
  async #follow(question: Question, over: AbortSignal): Promise<void> {
    let asked: Side | undefined;
    let ranMs = 0;
    while (!over.aborted) {
      if (ranMs > this.#answerMs) {
        const last = this.#lastLine || 'nothing';
        throw new GuestError(
          `No answer to "${question}" within ${this.#answerMs} ms; the guest sent last: ${last}`,
        );
      }
      const sinceMs = performance.now();
      const side = await this.#runningSide();
      if (over.aborted) return;
      if (side && side !== asked) {
        side.serial.send(question);
        asked = side;
        ranMs = 0;
      }
      await delay(pollMs, undefined, { signal: over }).catch(() => {});
      if (side) ranMs += performance.now() - sinceMs;
    }
  }

  async #runningSide(): Promise<Side | undefined> {
    const running = [...this.#sides].map(async (side) => {
      if (!(await side.isRunning())) throw new GuestError('The guest does not run there.');
      return side;
    });
    // A QEMU that has ended closes its serial port as well. One that is busy loading must not delay the other.
    return await Promise.any(running).catch(() => undefined);
  }

  #ended(): GuestError {
    return new GuestError('The QEMU that ran this guest has ended.');
  }

  #onLine(line: string): void {
    const text = line.trim();
    this.#lastLine = text;
    const numbers = this.#pending?.answer.exec(text)?.slice(1);
    if (numbers) this.#pending?.resolve(numbers.map((digits) => Number.parseInt(digits, 16)));
  }
}
