// What is said between the lab and its bare guest, which answers on its serial port between two passes. It
// moves, and then answers from elsewhere: half a line may come from each side, so whoever gets no answer asks
// again.
import { setTimeout as delay } from 'node:timers/promises';
import type { SerialLine } from '../../qemu/machine/serial-line.js';
import { WorkloadAtWork, type WorkloadCheck } from '../workloads/at-work.js';
import { GuestError, readAll } from './control.js';

const askAgainMs = 5_000;
const answerMs = 120_000;
const reportMs = 100;
const wordsPerPage = 1024;

const passAnswer = /^pass=([0-9A-Fa-f]{8})$/;
const stateAnswer = /^pass=([0-9A-Fa-f]{8}) bad=([0-9A-Fa-f]{8}) sum=([0-9A-Fa-f]{8})$/;

interface Asked {
  readonly answer: RegExp;
  resolve(numbers: number[]): void;
  reject(error: Error): void;
}

export class BareControl {
  #port: SerialLine | undefined;
  #asked: Asked | undefined;
  #lately = '';

  /** Hears a machine on which the guest runs, or will run; the last one heard is asked. */
  hear(port: SerialLine): void {
    this.#port = port;
    readAll(port, (line) => this.#take(line)).then(() => {
      if (port !== this.#port) return;
      this.#asked?.reject(new GuestError('The QEMU that ran this guest has ended.'));
    });
  }

  /** One question at a time. */
  ask(command: 'p' | '?'): Promise<number[]> {
    const answer = command === 'p' ? passAnswer : stateAnswer;
    return new Promise((resolve, reject) => {
      const tell = () => this.#port?.send(command);
      const again = setInterval(tell, askAgainMs);
      const late = setTimeout(() => {
        const said = this.#lately || 'nothing';
        asked.reject(
          new GuestError(`No answer to "${command}" within ${answerMs} ms; last: ${said}`),
        );
      }, answerMs);
      const done = () => {
        clearInterval(again);
        clearTimeout(late);
        this.#asked = undefined;
      };
      const asked: Asked = {
        answer,
        resolve: (numbers) => {
          done();
          resolve(numbers);
        },
        reject: (error) => {
          done();
          reject(error);
        },
      };
      this.#asked = asked;
      tell();
    });
  }

  async startWorkload(pages: number): Promise<WorkloadAtWork> {
    const work = new BareWork(this, pages);
    await work.begin();
    return work;
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

  constructor(control: BareControl, pages: number) {
    super();
    this.#control = control;
    this.#pages = pages;
  }

  async begin(): Promise<void> {
    await this.#report();
    this.#reporting = this.#goOn();
    // Whoever stops it hears of what went wrong.
    this.#reporting.catch(() => {});
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
