// A workload that runs in the Linux guest, and perhaps outside of it as well.

import { GuestError } from '../../qemu/machine/errors.js';
import { within } from '../../system/deadline.js';
import type { GuestMessage, GuestMessageOf } from '../guest/guest-message.js';
import type { LinuxControl } from '../guest/linux-control.js';
import type { Host } from '../hosts/host.js';
import type { WorkloadCheck, WorkloadReport } from '../model/workload-report.js';
import { OutsideProgram } from './outside-program.js';
import type { Workload, WorkloadCommands, WorkloadEnvironment } from './workload.js';
import { WorkloadRun } from './workload-run.js';

/** Memory has to be filled first, on an emulated processor. */
const beginMs = 300_000;
const checkMs = 300_000;
/** For a workload that has begun: it reports ten times a second, or once. */
const firstReportMs = 60_000;
const sigterm = 15;
const noLatency = { p50Us: null, p99Us: null, maxUs: null };

/** What it takes to start a workload. */
export interface WorkloadStart {
  readonly workload: Workload;
  readonly options: unknown;
  readonly environment: WorkloadEnvironment;
  readonly control: LinuxControl;
  /** Where the part outside the guest runs. */
  readonly client: Host;
}

function checkOf({ what, checked, wrong }: GuestMessageOf<'check'>): WorkloadCheck {
  return { what, checked, wrong };
}

/** A workload of the Linux guest, while it runs. */
export class LinuxWorkloadRun extends WorkloadRun {
  readonly #start: WorkloadStart;
  readonly #outsideChecks: WorkloadCheck[] = [];
  readonly #stopListening: () => void;
  #outside: OutsideProgram | undefined;
  #guestExit: GuestMessageOf<'exit'> | undefined;
  #onFirstReport = () => {};
  #lastOutput = '';
  #outsideHasEnded = false;
  /** When the lab last let the guest run again, by performance.now(). */
  #resumedMs: number | undefined;

  private constructor(start: WorkloadStart) {
    super();
    this.#start = start;
    const read = start.workload.newReader?.();
    this.#stopListening = start.control.onMessage((message) => {
      if (message.type === 'exit') this.#guestExit = message;
      if (message.type === 'output') {
        this.#lastOutput = message.text;
        const report = read?.(message.text);
        if (report) this.#addReport(report);
      }
      if (start.workload.reports === 'guest') this.#onReport(message);
    });
  }

  /** Starts it in a guest that is ready; resolves when it runs and has reported for the first time. */
  static async start(start: WorkloadStart): Promise<LinuxWorkloadRun> {
    const run = new LinuxWorkloadRun(start);
    try {
      await run.#begin();
      return run;
    } catch (error) {
      run.abandon();
      throw error;
    }
  }

  async #begin(): Promise<void> {
    const { workload, options, environment, control } = this.#start;
    const { inGuest, outside } = workload.commands(options, environment);
    const reported = new Promise<void>((resolve) => {
      this.#onFirstReport = resolve;
    });
    const begun = control.next(workload.checks.guest ? 'running' : 'started', beginMs);
    const ended = control.next('exit').then(() => this.#throwExit());
    // It may come when nobody waits for it any more.
    ended.catch(() => {});
    control.send(`start ${inGuest.join(' ')}`);
    await Promise.race([begun, ended]);
    const failures = outside ? [ended, ...(await this.#startOutside(outside))] : [ended];
    const works = Promise.race([reported, ...failures]);
    const what = `the first report of ${workload.name}`;
    // A program that reports from outside may have to fill the guest first; it says how far it is.
    if (this.#outside && workload.reports === 'outside') {
      await this.#outside.awaiting(what, works);
    } else {
      await within(firstReportMs, works, () => {
        throw new GuestError(`${what} did not arrive within ${firstReportMs} ms.`);
      });
    }
  }

  /** Starts the part outside the guest. The promise in the list is rejected when that ends. */
  async #startOutside(
    command: NonNullable<WorkloadCommands['outside']>,
  ): Promise<Promise<never>[]> {
    const { workload, client } = this.#start;
    const onMessage = (message: GuestMessage) => {
      if (message.type === 'check') this.#outsideChecks.push(checkOf(message));
      if (workload.reports === 'outside') this.#onReport(message);
    };
    const program = await OutsideProgram.start(client, command, { onMessage });
    this.#outside = program;
    const ended = program.ended.then(({ complaint }) => {
      this.#outsideHasEnded = true;
      throw new GuestError(
        `${workload.name} ended outside the guest before its first report: ${complaint}`,
      );
    });
    // It may come when nobody waits for it any more.
    ended.catch(() => {});
    return [ended];
  }

  async stop(): Promise<WorkloadCheck[]> {
    const { sender } = this.#start.workload;
    const ends = [() => this.#stopOutside(), () => this.#stopInGuest()];
    const checks: WorkloadCheck[] = [];
    try {
      // The sender ends first, so that no side sees a lost connection.
      for (const end of sender === 'guest' ? ends.reverse() : ends) checks.push(...(await end()));
      return checks;
    } finally {
      this.abandon();
    }
  }

  abandon(): void {
    this.#stopListening();
    this.#outside?.kill();
  }

  override resumeClock(): void {
    super.resumeClock();
    this.#resumedMs = performance.now();
  }

  protected override get hasEnded(): boolean {
    return this.#guestExit !== undefined || this.#outsideHasEnded;
  }

  async #stopOutside(): Promise<WorkloadCheck[]> {
    if (!this.#outside) return [];
    const byItself = this.#outsideHasEnded;
    const { status, signal, complaint } = await this.#outside.stop();
    const { checks, name } = this.#start.workload;
    const how = `(${signal ?? `exit code ${status}`}): ${complaint}`;
    if (this.#outsideChecks.length === 0 && checks.outside) {
      throw new GuestError(`${name} ended outside without a check ${how}`);
    }
    // If its check has found the reason, that says more.
    if (byItself && this.#outsideChecks.every(({ wrong }) => wrong === 0)) {
      throw new GuestError(`${name} ended outside by itself ${how}`);
    }
    return this.#outsideChecks;
  }

  async #stopInGuest(): Promise<WorkloadCheck[]> {
    const { control, workload } = this.#start;
    if (this.#guestExit) this.#throwExit();
    const exit = control.next('exit', checkMs);
    const check = workload.checks.guest ? control.next('check', checkMs) : undefined;
    control.send('stop');
    const [{ status, signal }, ownCheck] = await Promise.all([exit, check]);
    if (ownCheck) return [checkOf(ownCheck)];
    // A program that checks nothing has at least lived until now.
    const wrong = signal === sigterm || status === 0 ? 0 : 1;
    const { livesBy } = workload;
    if (livesBy === undefined) return [{ what: 'alive until it was stopped', checked: 1, wrong }];
    return [{ what: livesBy, checked: this.operations, wrong }];
  }

  #onReport(message: GuestMessage): void {
    if (message.type !== 'report') return;
    const { type: _, ...report } = message;
    this.#addReport(report);
  }

  #addReport(report: WorkloadReport): void {
    const latency = this.#wasHeldUp(report) ? noLatency : {};
    this.reports.push({ receivedMs: this.elapsedMs, ...report, ...latency });
    this.#onFirstReport();
  }

  /** Whether the lab kept the guest paused while a client outside waited for an answer: that is not the guest's latency. */
  #wasHeldUp({ maxUs }: WorkloadReport): boolean {
    if (this.#start.workload.reports !== 'outside') return false;
    if (this.isPaused) return true;
    if (this.#resumedMs === undefined || maxUs === null) return false;
    const sinceMs = performance.now() - this.#resumedMs;
    // A latency longer than the time since then began before it.
    return maxUs / 1000 > sinceMs;
  }

  #throwExit(): never {
    const { status = 0, signal = 0 } = this.#guestExit ?? {};
    const how = signal > 0 ? `signal ${signal}` : `exit code ${status}`;
    const { name } = this.#start.workload;
    throw new GuestError(`${name} ended in the guest by itself (${how}): ${this.#lastOutput}`);
  }
}
