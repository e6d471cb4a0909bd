// Follows a migration, whoever started it: events first, and no more questions than they need.
import { performance } from 'node:perf_hooks';
import type { QmpClient } from '../qmp/client.js';
import { QmpTimeoutError } from '../qmp/errors.js';
import type { EventStream } from '../qmp/event-stream.js';
import type { QmpEvent } from '../qmp/messages.js';
import type { MigrationInfo } from '../qmp/schema/migration.js';
import type { MigrationProgress } from './options.js';
import type { Pass } from './pass.js';
import { PassTracker, type Sample } from './pass-tracker.js';
import type { Recorder } from './recording.js';
import { Waker } from './wake.js';

/** QEMU itself renews its estimates ten times a second: asking more often says nothing new. */
const leastGapMs = 100;
const mostGapMs = 1000;
const looksPerPass = 8;
/** Where passes follow each other fast, a look at each twentieth of the time gone shows how they go. */
const looksPerElapsed = 20;
const mostPassGapMs = 500;
/** For the end of the next pass, in passes. */
const patience = 1.5;
const finalGapMs = 5;
const finalLooks = 200;

export interface ObserverOptions {
  readonly qmp: QmpClient;
  /** Made before the migration began. */
  readonly events: EventStream;
  /** Whether it has begun under our eyes. */
  readonly sawBeginning: boolean;
  /** Whether QEMU sends events of migrations: the capability `events`. */
  readonly eventsOn: boolean;
  readonly record: Recorder | undefined;
  readonly onProgress: ((progress: MigrationProgress) => void) | undefined;
  readonly signal: AbortSignal | undefined;
}

/** What has been seen since the last time. */
export interface Sighting {
  readonly status: string;
  readonly elapsedMs: number;
  readonly pass: Pass | undefined;
  /** The guest has been stopped, by QEMU for its end or by somebody. */
  readonly stopped: boolean;
}

export const endStatuses: readonly string[] = [
  'completed',
  'failed',
  'cancelled',
  'postcopy-paused',
];

export class Observer {
  readonly #options: ObserverOptions;
  readonly #waker: Waker;
  #startMs = performance.now();
  #hasQemuTime = false;
  readonly tracker: PassTracker;
  #askedMs = -leastGapMs;
  /** An event has told that something is new, and QEMU has not been asked since. */
  #isDue = false;
  #lastPassMs = 0;
  #passEndedMs: number | undefined;
  #status = 'none';
  #stopped = false;
  #questions = 0;

  constructor(options: ObserverOptions) {
    this.#options = options;
    this.tracker = new PassTracker(options.sawBeginning);
    this.#waker = new Waker(options.events, options.signal);
  }

  /** Since the migration began, by QEMU's clock as soon as it has told. */
  get elapsedMs(): number {
    return performance.now() - this.#startMs;
  }

  /** How often QEMU was asked. */
  get questions(): number {
    return this.#questions;
  }

  /** Until something has happened, or `untilMs` since the beginning, or (if heeded) the signal. */
  async next(untilMs: number, heedSignal: boolean): Promise<Sighting> {
    const pollMs = this.#isDue ? this.#latestMs : this.#askedMs + this.#gapMs();
    const deadlineMs = Math.min(untilMs, pollMs);
    const events = await this.#waker.wake(Math.max(0, deadlineMs - this.elapsedMs), heedSignal);
    this.#heed(events);
    const isTime = this.elapsedMs >= (events.length === 0 ? pollMs : this.#soonestMs);
    const ask = (this.#isDue && this.#isOver) || (isTime && (this.#isDue || events.length === 0));
    return ask ? await this.ask() : this.#sighting(undefined);
  }

  #heed(events: readonly QmpEvent[]): void {
    for (const { event: name, data, timestamp } of events) {
      this.#options.record?.({ type: 'event', name, data, timestamp });
      const { status } = data;
      if (name === 'MIGRATION') this.#status = String(status);
      if (name === 'STOP') this.#stopped = true;
      if (name === 'RESUME') this.#stopped = false;
      if (name === 'MIGRATION_PASS') this.#passEndedMs = this.elapsedMs;
      this.#isDue ||= name === 'MIGRATION' || name === 'MIGRATION_PASS';
    }
  }

  get #isOver(): boolean {
    return endStatuses.includes(this.#status);
  }

  /** Before that nothing can be new, or so much that its parts don't matter. */
  get #soonestMs(): number {
    const gapMs = Math.max(leastGapMs, this.#askedMs / looksPerElapsed);
    return this.#askedMs + Math.min(mostPassGapMs, gapMs);
  }

  /** Where pass follows pass, the end of the next is the best moment: nothing of its successor is sent then. */
  get #latestMs(): number {
    const soonestMs = this.#soonestMs;
    return soonestMs + Math.min(this.#lastPassMs * patience, (soonestMs - this.#askedMs) / 2);
  }

  /** Asks QEMU now. */
  async ask(): Promise<Sighting> {
    const info = await this.#query();
    this.#setClock(info);
    const sample: Sample = { elapsedMs: this.elapsedMs, passEndedMs: this.#passEndedMs, info };
    this.#askedMs = sample.elapsedMs;
    this.#isDue = false;
    this.#status = info.status ?? this.#status;
    this.#options.record?.({ type: 'sample', elapsedMs: sample.elapsedMs, info });
    this.#tellProgress(sample);
    const pass = this.tracker.add(sample);
    if (pass) this.#lastPassMs = (pass.endMs - pass.startMs) / pass.merged;
    return this.#sighting(pass);
  }

  /** QEMU says that a migration is completed a moment before it says how long that took. */
  async #query(): Promise<MigrationInfo> {
    for (let left = finalLooks; ; left -= 1) {
      const info = await this.#answer();
      if (info.status !== 'completed' || info['total-time'] || left === 0) return info;
      await new Promise((resolve) => setTimeout(resolve, finalGapMs));
    }
  }

  /**
   * Once it has stopped the guest to send what is left, QEMU answers nobody until that is done, however long it
   * takes: that is no silence to give up for.
   */
  async #answer(): Promise<MigrationInfo> {
    for (;;) {
      this.#questions += 1;
      try {
        return await this.#options.qmp.execute('query-migrate');
      } catch (error) {
        if (!(error instanceof QmpTimeoutError)) throw error;
        this.#heed(await this.#waker.wake(0, false));
        if (!this.#stopped) throw error;
      }
    }
  }

  /** Goes by QEMU's clock from its first answer on, which is what it counts the total time by. */
  #setClock({ status = 'none', 'total-time': totalMs }: MigrationInfo): void {
    if (this.#hasQemuTime || totalMs === undefined || endStatuses.includes(status)) return;
    this.#hasQemuTime = true;
    const shiftMs = this.elapsedMs - totalMs;
    this.#startMs += shiftMs;
    this.#askedMs -= shiftMs;
    if (this.#passEndedMs !== undefined) this.#passEndedMs -= shiftMs;
  }

  #sighting(pass: Pass | undefined): Sighting {
    return {
      status: this.#status,
      elapsedMs: this.elapsedMs,
      pass,
      stopped: this.#stopped,
    };
  }

  /** How long nothing need be asked when no event comes. */
  #gapMs(): number {
    const { eventsOn, onProgress } = this.#options;
    if (eventsOn && !onProgress) return Number.POSITIVE_INFINITY;
    if (!this.tracker.last) return mostGapMs / 2;
    // With events, only somebody who watches wants to see more, and people need no more than this.
    const least = eventsOn ? leastGapMs * 4 : leastGapMs;
    return Math.min(mostGapMs, Math.max(least, this.#lastPassMs / looksPerPass));
  }

  #tellProgress({ elapsedMs, info }: Sample): void {
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
