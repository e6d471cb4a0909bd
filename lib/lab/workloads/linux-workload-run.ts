// A workload at work in the Linux guest, and outside of it.
import type { GuestControl, GuestMessage, GuestMessageOf, Report } from '../guest/linux-control.js';
import { forever, GuestError } from '../guest/linux-control.js';
import type { Host } from '../hosts/create-hosts.js';
import { OutsideProgram } from './outside-program.js';
import type { Surroundings, Workload } from './workload.js';
import { WorkloadAtWork, type WorkloadCheck } from './workload-run.js';

/** Memory has to be filled first, on an emulated processor. */
const beginMs = 300_000;
const checkMs = 300_000;
/** Of what has begun to work: it reports ten times a second, or once. */
const firstReportMs = 60_000;
const terminated = 15;
const noLatency = { p50Us: null, p99Us: null, maxUs: null };

export interface WorkloadStart {
  readonly workload: Workload;
  readonly options: unknown;
  readonly surroundings: Surroundings;
  readonly control: GuestControl;
  /** Where the part outside the guest runs. */
  readonly client: Host;
}

function checkOf({ what, checked, wrong }: GuestMessageOf<'check'>): WorkloadCheck {
  return { what, checked, wrong };
}

/** Waits for something that comes soon, if it comes. */
async function within(limitMs: number, what: string, outcome: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const message = `Nothing was heard of ${what} within ${limitMs} ms.`;
    timer = setTimeout(() => reject(new GuestError(message)), limitMs);
  });
  try {
    await Promise.race([outcome, late]);
  } finally {
    clearTimeout(timer);
  }
}

export class RunningWorkload extends WorkloadAtWork {
  readonly #start: WorkloadStart;
  readonly #outsideChecks: WorkloadCheck[] = [];
  readonly #stopListening: () => void;
  #outside: OutsideProgram | undefined;
  #guestEnd: GuestMessageOf<'exit'> | undefined;
  #firstReport = () => {};
  #lastWords = '';
  #outsideHasEnded = false;
  /** When the guest was let go, by performance.now(). */
  #letGoMs: number | undefined;

  private constructor(start: WorkloadStart) {
    super();
    this.#start = start;
    const read = start.workload.newReader?.();
    this.#stopListening = start.control.listen((message) => {
      if (message.type === 'exit') this.#guestEnd = message;
      if (message.type === 'output') {
        this.#lastWords = message.text;
        const report = read?.(message.text);
        if (report) this.#take(report);
      }
      if (start.workload.reports === 'guest') this.#hear(message);
    });
  }

  /** Starts it in a guest that is ready; answers when it works and has reported for the first time. */
  static async start(start: WorkloadStart): Promise<RunningWorkload> {
    const { workload, options, surroundings, control, client } = start;
    const { inGuest, outside } = workload.commands(options, surroundings);
    const running = new RunningWorkload(start);
    const reported = new Promise<void>((resolve) => {
      running.#firstReport = resolve;
    });
    const startsItself = workload.checks.guest;
    const begun = control.next(startsItself ? 'running' : 'started', beginMs);
    const failed = control.next('exit', forever);
    // Nobody may be waiting any more when it comes.
    failed.catch(() => {});
    try {
      control.tell(`start ${inGuest.join(' ')}`);
      await Promise.race([begun, failed.then(() => running.#explain('in the guest'))]);
      let lost: Promise<never> | undefined;
      if (outside) {
        const onMessage = (message: GuestMessage) => {
          if (message.type === 'check') running.#outsideChecks.push(checkOf(message));
          if (workload.reports === 'outside') running.#hear(message);
        };
        const program = await OutsideProgram.start(client, outside, { onMessage });
        running.#outside = program;
        lost = program.ended.then(({ complaint }) => {
          running.#outsideHasEnded = true;
          throw new GuestError(
            `${workload.name} ended outside the guest before its first report: ${complaint}`,
          );
        });
        lost.catch(() => {});
      }
      const works = Promise.race([
        reported,
        failed.then(() => running.#explain('in the guest')),
        ...(lost ? [lost] : []),
      ]);
      const what = `the first report of ${workload.name}`;
      // What reports from outside may have to fill the guest first, and tells how far it is.
      await (running.#outside && workload.reports === 'outside'
        ? running.#outside.awaiting(what, works)
        : within(firstReportMs, what, works));
      return running;
    } catch (error) {
      running.abandon();
      throw error;
    }
  }

  async stop(): Promise<WorkloadCheck[]> {
    const { sender } = this.#start.workload;
    const ends = [() => this.#stopOutside(), () => this.#stopInGuest()];
    const checks: WorkloadCheck[] = [];
    try {
      // Whoever sends ends first, so that nobody hears of a connection that is lost.
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

  protected override get hasEnded(): boolean {
    return this.#guestEnd !== undefined || this.#outsideHasEnded;
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
    // Where its check has found what made it end, that says more.
    if (byItself && this.#outsideChecks.every(({ wrong }) => wrong === 0)) {
      throw new GuestError(`${name} ended outside by itself ${how}`);
    }
    return this.#outsideChecks;
  }

  async #stopInGuest(): Promise<WorkloadCheck[]> {
    const { control, workload } = this.#start;
    if (this.#guestEnd) this.#explain('in the guest');
    const exit = control.next('exit', checkMs);
    const check = workload.checks.guest ? control.next('check', checkMs) : undefined;
    control.tell('stop');
    const [{ status, signal }, own] = await Promise.all([exit, check]);
    if (own) return [checkOf(own)];
    // What says nothing in the end has at least lived until now.
    const wrong = signal === terminated || status === 0 ? 0 : 1;
    const { livesBy } = workload;
    if (livesBy === undefined) return [{ what: 'alive until it was stopped', checked: 1, wrong }];
    return [{ what: livesBy, checked: this.operations, wrong }];
  }

  #hear(message: GuestMessage): void {
    if (message.type !== 'report') return;
    const { type: _, ...report } = message;
    this.#take(report);
  }

  override goOn(): void {
    super.goOn();
    this.#letGoMs = performance.now();
  }

  #take(report: Omit<Report, 'type'>): void {
    const latency = this.#wasHeldUp(report) ? noLatency : {};
    this.reports.push({ heardMs: this.elapsedMs, ...report, ...latency });
    this.#firstReport();
  }

  /** Whoever asks from outside gets no answer while we hold the guest: that is no latency of the guest's. */
  #wasHeldUp({ maxUs }: Omit<Report, 'type'>): boolean {
    if (this.#start.workload.reports !== 'outside') return false;
    if (this.isHeld) return true;
    if (this.#letGoMs === undefined || maxUs === null) return false;
    const sinceMs = performance.now() - this.#letGoMs;
    // It asked before; what it asks from then on is answered in no more time than has passed.
    return maxUs / 1000 > sinceMs;
  }

  #explain(where: string): never {
    const { status = 0, signal = 0 } = this.#guestEnd ?? {};
    const how = signal > 0 ? `signal ${signal}` : `exit code ${status}`;
    const { name } = this.#start.workload;
    throw new GuestError(`${name} ended ${where} by itself (${how}): ${this.#lastWords}`);
  }
}
