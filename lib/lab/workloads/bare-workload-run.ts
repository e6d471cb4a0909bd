// The workload of the bare guest, which is all that it does: asked for its passes again and again.
import { setTimeout as delay } from 'node:timers/promises';
import type { BareControl } from '../guest/bare-control.js';
import type { WorkloadCheck } from '../model/workload-report.js';
import { WorkloadRun } from './workload-run.js';

const reportMs = 100;
const wordsPerPage = 1024;

/** The workload of the bare guest, while it runs. */
export class BareWorkloadRun extends WorkloadRun {
  readonly #control: BareControl;
  readonly #pages: number;
  readonly #stopped = new AbortController();
  #reporting: Promise<void> = Promise.resolve();
  #hasFailed = false;

  private constructor(control: BareControl, pages: number) {
    super();
    this.#control = control;
    this.#pages = pages;
  }

  /** Asks for reports of a guest that has booted; resolves with the first one. `pages`: the size of its working set. */
  static async start(control: BareControl, pages: number): Promise<BareWorkloadRun> {
    const run = new BareWorkloadRun(control, pages);
    await run.#report();
    run.#reporting = run.#keepReporting();
    // stop() throws what went wrong.
    run.#reporting.catch(() => {
      run.#hasFailed = true;
    });
    return run;
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

  async #keepReporting(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await delay(reportMs, undefined, { signal }).catch(() => {});
      if (!signal.aborted) await this.#report();
    }
  }

  async #report(): Promise<void> {
    const [passes = 0] = await this.#control.ask('p');
    const receivedMs = this.elapsedMs;
    this.reports.push({
      receivedMs,
      atMs: receivedMs,
      operations: passes * this.#pages,
      p50Us: null,
      p99Us: null,
      maxUs: null,
    });
  }
}
