// What is said between the lab and its bare guest, which answers on its serial port between two passes. It
// moves: each question goes to the QEMU in which the guest runs, and to the next one when it has moved before
// it answered. What it had begun to say, or had not heard yet, may be lost with the first; it may also have
// taken the first question along and answer both, which does no harm: every answer is of when it is given.
import { setTimeout as delay } from 'node:timers/promises';
import type { SerialLine } from '../../qemu/machine/serial-line.js';
import { WorkloadAtWork, type WorkloadCheck } from '../workloads/workload-run.js';
import { GuestError, readAll } from './linux-control.js';

const lookMs = 100;
const reportMs = 100;
const wordsPerPage = 1024;

const answers = {
  p: /^pass=([0-9A-Fa-f]{8})$/,
  '?': /^pass=([0-9A-Fa-f]{8}) bad=([0-9A-Fa-f]{8}) sum=([0-9A-Fa-f]{8})$/,
};
type Command = keyof typeof answers;

/** A QEMU in which the guest runs, or will run. */
export interface Side {
  readonly serial: SerialLine;
  /** Whether it runs there now. */
  runs(): Promise<boolean>;
}

interface Asked {
  readonly answer: RegExp;
  resolve(numbers: number[]): void;
  reject(error: Error): void;
}

export class BareControl {
  readonly #answerMs: number;
  readonly #sides = new Set<Side>();
  #asked: Asked | undefined;
  #lately = '';

  /** How long the guest may take for an answer while it runs. */
  constructor(answerMs = 120_000) {
    this.#answerMs = answerMs;
  }

  /** Hears a machine on which the guest runs, or will run. */
  hear(side: Side): void {
    this.#sides.add(side);
    readAll(side.serial, (line) => this.#take(line)).then(() => {
      this.#sides.delete(side);
      if (this.#sides.size === 0) this.#asked?.reject(this.#gone());
    });
  }

  /** One question at a time. It may wait for the guest to arrive. */
  async ask(command: Command): Promise<number[]> {
    if (this.#sides.size === 0) throw this.#gone();
    const over = new AbortController();
    try {
      return await new Promise<number[]>((resolve, reject) => {
        this.#asked = { answer: answers[command], resolve, reject };
        this.#follow(command, over.signal).catch(reject);
      });
    } finally {
      over.abort();
      this.#asked = undefined;
    }
  }

  async startWorkload(pages: number): Promise<WorkloadAtWork> {
    const work = new BareWork(this, pages);
    await work.begin();
    return work;
  }

  /** Puts the question wherever the guest runs. Only what time it runs counts as time to answer in. */
  async #follow(command: Command, over: AbortSignal): Promise<void> {
    let told: Side | undefined;
    let ranMs = 0;
    while (!over.aborted) {
      if (ranMs > this.#answerMs) {
        const said = this.#lately || 'nothing';
        throw new GuestError(
          `No answer to "${command}" within ${this.#answerMs} ms; last: ${said}`,
        );
      }
      const sinceMs = performance.now();
      const side = await this.#whereItRuns();
      if (over.aborted) return;
      if (side && side !== told) {
        side.serial.send(command);
        told = side;
        ranMs = 0;
      }
      await delay(lookMs, undefined, { signal: over }).catch(() => {});
      if (side) ranMs += performance.now() - sinceMs;
    }
  }

  async #whereItRuns(): Promise<Side | undefined> {
    const running = [...this.#sides].map(async (side) => {
      if (!(await side.runs())) throw new GuestError('It does not run there.');
      return side;
    });
    // One that has ended says so at its serial port, too. One that is busy loading does not hold up the other.
    return await Promise.any(running).catch(() => undefined);
  }

  #gone(): GuestError {
    return new GuestError('The QEMU that ran this guest has ended.');
  }

  #take(line: string): void {
    const text = line.trim();
    this.#lately = text;
    const numbers = this.#asked?.answer.exec(text)?.slice(1);
    if (numbers) this.#asked?.resolve(numbers.map((digits) => Number.parseInt(digits, 16)));
  }
}

class BareWork extends WorkloadAtWork {
  readonly #control: BareControl;
  readonly #pages: number;
  readonly #stopped = new AbortController();
  #reporting: Promise<void> = Promise.resolve();
  #hasFailed = false;

  constructor(control: BareControl, pages: number) {
    super();
    this.#control = control;
    this.#pages = pages;
  }

  async begin(): Promise<void> {
    await this.#report();
    this.#reporting = this.#goOn();
    // Whoever stops it hears of what went wrong.
    this.#reporting.catch(() => {
      this.#hasFailed = true;
    });
  }

  async stop(): Promise<WorkloadCheck[]> {
    this.#stopped.abort();
    await this.#reporting;
    const [, wrong = 0] = await this.#control.ask('?');
    return [{ what: 'words', checked: this.#pages * wordsPerPage, wrong }];
  }

  abandon(): void {
    this.#stopped.abort();
  }

  protected override get hasEnded(): boolean {
    return this.#hasFailed;
  }

  async #goOn(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await delay(reportMs, undefined, { signal }).catch(() => {});
      if (!signal.aborted) await this.#report();
    }
  }

  async #report(): Promise<void> {
    const [passes = 0] = await this.#control.ask('p');
    const heardMs = this.elapsedMs;
    const operations = passes * this.#pages;
    this.reports.push({
      heardMs,
      atMs: heardMs,
      operations,
      p50Us: null,
      p99Us: null,
      maxUs: null,
    });
  }
}
