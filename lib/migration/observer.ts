// Follows a migration, whoever started it, by QEMU's events and as few queries as possible.
import { performance } from 'node:perf_hooks';
import type { QmpSession } from '../qmp/client.js';
import { QmpTimeoutError } from '../qmp/errors.js';
import type { EventStream } from '../qmp/event-stream.js';
import type { QmpEvent } from '../qmp/messages.js';
import type { MigrationInfo } from '../qmp/schema/migration.js';
import { EventWaiter } from './event-waiter.js';
import type { MigrationProgress } from './options.js';
import type { Pass } from './pass.js';
import { PassTracker, type Sample } from './pass-tracker.js';
import type { Recorder } from './recording.js';
import { endStatuses } from './statuses.js';

/** QEMU renews its own estimates ten times a second: asking more often says nothing new. */
const minGapMs = 100;
const maxGapMs = 1000;
const queriesPerPass = 8;
/** Where passes follow each other fast, a query each twentieth of the elapsed time shows how they go. */
const queriesPerElapsed = 20;
const maxPassGapMs = 500;
/** How long to wait for the end of the next pass, in passes. */
const maxWaitPasses = 1.5;
const finalGapMs = 5;
const maxFinalQueries = 200;

export interface ObserverOptions {
  readonly qmp: QmpSession;
  /** Created before the migration began. */
  readonly events: EventStream;
  /** Whether the observer was there when the migration began. */
  readonly sawBeginning: boolean;
  /** The passes that another process saw before. */
  readonly earlier?: readonly Pass[] | undefined;
  /** Whether QEMU sends events of migrations: the capability `events`. */
  readonly eventsOn: boolean;
  readonly record: Recorder | undefined;
  readonly onProgress: ((progress: MigrationProgress) => void) | undefined;
  /** Whether anybody wants progress now: QEMU is then asked between passes too. */
  readonly wantsProgress: () => boolean;
}

/** What was observed since the last time. */
export interface Observed {
  readonly status: string;
  readonly elapsedMs: number;
  readonly pass: Pass | undefined;
  /** The guest is stopped, by QEMU for the switchover or by somebody else. */
  readonly isGuestStopped: boolean;
}

/** Turns events and answers of QEMU into passes, a status and progress. */
export class Observer {
  readonly #options: ObserverOptions;
  readonly #waiter: EventWaiter;
  #startMs = performance.now();
  #hasQemuTime = false;
  readonly tracker: PassTracker;
  #queriedMs = -minGapMs;
  /** An event has announced news, and QEMU has not been asked since. */
  #isQueryDue = false;
  #lastPassMs = 0;
  #passEndedMs: number | undefined;
  #status = 'none';
  #isGuestStopped = false;

  constructor(options: ObserverOptions) {
    this.#options = options;
    this.tracker = new PassTracker(options.sawBeginning, options.earlier);
    this.#waiter = new EventWaiter(options.events);
  }

  /** Time since the migration began, by QEMU's clock as soon as that is known. */
  get elapsedMs(): number {
    return performance.now() - this.#startMs;
  }

  /** The migration's status, as far as it is known. */
  get status(): string {
    return this.#status;
  }

  /** Ends the wait in `next`, or in the next one. */
  interrupt(): void {
    this.#waiter.interrupt();
  }

  /** Events may have been missed: QEMU is asked as soon as possible. */
  catchUp(): void {
    this.#isQueryDue = true;
    this.#waiter.interrupt();
  }

  /** Waits until something has happened, until that time since the beginning, or until it is interrupted. */
  async next(untilMs = Number.POSITIVE_INFINITY): Promise<Observed> {
    const pollMs = this.#isQueryDue ? this.#latestMs : this.#queriedMs + this.#gapMs();
    const deadlineMs = Math.min(untilMs, pollMs);
    const events = await this.#waiter.wait(Math.max(0, deadlineMs - this.elapsedMs));
    this.#apply(events);
    const isTime = this.elapsedMs >= (events.length === 0 ? pollMs : this.#soonestMs);
    const isDue =
      (this.#isQueryDue && this.#isOver) || (isTime && (this.#isQueryDue || events.length === 0));
    return isDue ? await this.query() : this.#observed(undefined);
  }

  #apply(events: readonly QmpEvent[]): void {
    for (const { event: name, data, timestamp } of events) {
      this.#options.record?.({ type: 'event', name, data, timestamp });
      const { status } = data;
      if (name === 'MIGRATION') this.#status = String(status);
      if (name === 'STOP') this.#isGuestStopped = true;
      if (name === 'RESUME') this.#isGuestStopped = false;
      if (name === 'MIGRATION_PASS') this.#passEndedMs = this.elapsedMs;
      this.#isQueryDue ||= name === 'MIGRATION' || name === 'MIGRATION_PASS';
    }
  }

  get #isOver(): boolean {
    return endStatuses.includes(this.#status);
  }

  /** Before that there is nothing new, or so much that the parts don't matter. */
  get #soonestMs(): number {
    const gapMs = Math.max(minGapMs, this.#queriedMs / queriesPerElapsed);
    return this.#queriedMs + Math.min(maxPassGapMs, gapMs);
  }

  /** Where passes follow closely, the end of the next one is the best moment: nothing of its successor is sent yet. */
  get #latestMs(): number {
    const soonestMs = this.#soonestMs;
    return (
      soonestMs + Math.min(this.#lastPassMs * maxWaitPasses, (soonestMs - this.#queriedMs) / 2)
    );
  }

  /** Asks QEMU now. */
  async query(): Promise<Observed> {
    const info = await this.#finalAnswer();
    this.#setClock(info);
    const sample: Sample = { elapsedMs: this.elapsedMs, passEndedMs: this.#passEndedMs, info };
    this.#queriedMs = sample.elapsedMs;
    this.#isQueryDue = false;
    this.#status = info.status ?? this.#status;
    this.#options.record?.({ type: 'sample', elapsedMs: sample.elapsedMs, info });
    this.#reportProgress(sample);
    const pass = this.tracker.add(sample);
    if (pass) this.#lastPassMs = (pass.endMs - pass.startMs) / pass.merged;
    return this.#observed(pass);
  }

  /** QEMU says that a migration is completed a moment before it says how long that took. */
  async #finalAnswer(): Promise<MigrationInfo> {
    for (let left = maxFinalQueries; ; left -= 1) {
      const info = await this.#answer();
      if (info.status !== 'completed' || info['total-time'] || left === 0) return info;
      await new Promise((resolve) => setTimeout(resolve, finalGapMs));
    }
  }

  /** Once QEMU has stopped the guest, it answers nobody until all is sent, however long that takes: wait for it. */
  async #answer(): Promise<MigrationInfo> {
    for (;;) {
      try {
        return await this.#options.qmp.execute('query-migrate');
      } catch (error) {
        if (!(error instanceof QmpTimeoutError)) throw error;
        this.#apply(await this.#waiter.wait(0));
        if (!this.#isGuestStopped) throw error;
      }
    }
  }

  /** From QEMU's first answer on, times are by QEMU's clock, which the total time is counted by. */
  #setClock({ status = 'none', 'total-time': totalMs }: MigrationInfo): void {
    if (this.#hasQemuTime || totalMs === undefined || endStatuses.includes(status)) return;
    this.#hasQemuTime = true;
    const shiftMs = this.elapsedMs - totalMs;
    this.#startMs += shiftMs;
    this.#queriedMs -= shiftMs;
    if (this.#passEndedMs !== undefined) this.#passEndedMs -= shiftMs;
  }

  #observed(pass: Pass | undefined): Observed {
    return {
      status: this.#status,
      elapsedMs: this.elapsedMs,
      pass,
      isGuestStopped: this.#isGuestStopped,
    };
  }

  /** How long no query is needed when no event comes. */
  #gapMs(): number {
    const { eventsOn, wantsProgress } = this.#options;
    if (eventsOn && !wantsProgress()) return Number.POSITIVE_INFINITY;
    if (!this.tracker.last) return maxGapMs / 2;
    // With events, the queries only serve people who watch, and people need no more than this.
    const minMs = eventsOn ? minGapMs * 4 : minGapMs;
    return Math.min(maxGapMs, Math.max(minMs, this.#lastPassMs / queriesPerPass));
  }

  #reportProgress({ elapsedMs, info }: Sample): void {
    const { ram, status = 'none' } = info;
    if (!ram || !this.#options.onProgress) return;
    this.#options.onProgress({
      elapsedMs,
      status,
      sentBytes: ram.transferred,
      remainingBytes: ram.remaining,
      linkBytesPerSecond: (ram.mbps * 1e6) / 8,
    });
  }
}
