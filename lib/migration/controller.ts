// Takes a running migration to its end: asks the policy, does what it decides, cancels when told to.
import type { QmpClient } from '../qmp/client.js';
import { QmpCommandError } from '../qmp/errors.js';
import type { Circumstances, Consultation, Decision, Observation } from './decision.js';
import { endStatuses, type Observer, type Sighting } from './observer.js';
import type { CheckedOptions } from './options.js';
import type { Pass } from './pass.js';

/** The most that QEMU accepts. */
const endlessDowntimeMs = 2_000_000;
/** QEMU reckons anew ten times a second whether what is left fits: it has had many chances by then. */
const stopAfterMs = 2000;

export interface Ending {
  readonly status: string;
  /** Why we ended it, if we did. */
  readonly reason: string | undefined;
  readonly passes: readonly Pass[];
  readonly consultations: readonly Consultation[];
  /** The guest was stopped by us: nobody but us starts it again. */
  readonly stoppedByUs: boolean;
  /** We had QEMU cancel it. */
  readonly cancelledByUs: boolean;
}

type Controlled = Pick<CheckedOptions, 'method' | 'policy' | 'onPass' | 'record' | 'signal'>;

/** What the methods do that ask no policy. */
function switchAfterFirstPass({ passes }: Observation): Decision {
  const count = passes.length;
  const numbers = { passes: count };
  return count === 0
    ? { choice: 'go-on', because: 'The first pass goes on.', numbers }
    : { choice: 'post-copy', because: 'The first pass is over: the rest by post-copy.', numbers };
}

export class Controller {
  readonly #qmp: QmpClient;
  readonly #observer: Observer;
  readonly #options: Controlled;
  readonly #circumstances: Circumstances;
  readonly #passes: Pass[] = [];
  readonly #consultations: Consultation[] = [];
  #acted: Decision | undefined;
  #cancelled: string | undefined;
  #cancelTooLate = false;
  #askAtMs = Number.POSITIVE_INFINITY;
  #stopAtMs = Number.POSITIVE_INFINITY;
  #stoppedByUs = false;

  constructor(
    qmp: QmpClient,
    observer: Observer,
    options: Controlled,
    circumstances: Circumstances,
  ) {
    this.#qmp = qmp;
    this.#observer = observer;
    this.#options = options;
    this.#circumstances = circumstances;
  }

  async untilEnd(): Promise<Ending> {
    for (;;) {
      const untilMs = Math.min(this.#askAtMs, this.#stopAtMs);
      const heedSignal = this.#cancelled === undefined && !this.#cancelTooLate;
      const seen = await this.#observer.next(untilMs, heedSignal);
      if (seen.pass) this.#passed(seen.pass);
      if (endStatuses.includes(seen.status)) return this.#ending(seen.status);
      if (heedSignal && this.#options.signal?.aborted) await this.#cancelFor(seen);
      else await this.#goOn(seen);
    }
  }

  get #observation(): Observation {
    const { elapsedMs } = this.#observer;
    return { ...this.#circumstances, elapsedMs, passes: [...this.#passes] };
  }

  async #goOn(seen: Sighting): Promise<void> {
    if (seen.stopped) this.#stopAtMs = Number.POSITIVE_INFINITY;
    if (this.#acted || seen.status !== 'active') {
      if (seen.elapsedMs >= this.#stopAtMs && seen.status === 'active') await this.#stopGuest();
      return;
    }
    const beginsAsPostcopy = this.#options.method === 'post-copy';
    if (beginsAsPostcopy) {
      await this.#act({ choice: 'post-copy', because: 'It was asked for.', numbers: {} });
    } else if (seen.pass || seen.elapsedMs >= this.#askAtMs || this.#consultations.length === 0) {
      // A first time as it begins: the first pass may take longer than a policy has patience for.
      await this.#consult();
    }
  }

  #passed(pass: Pass): void {
    this.#passes.push(pass);
    this.#options.record?.({ type: 'pass', pass });
    this.#options.onPass?.(pass, this.#observation);
  }

  async #consult(): Promise<void> {
    const { method, policy = method === 'hybrid' ? switchAfterFirstPass : undefined } =
      this.#options;
    if (!policy) return;
    const observation = this.#observation;
    const decision = policy(observation);
    const { elapsedMs, passes } = observation;
    const consultation = { elapsedMs, passes: passes.length, decision };
    this.#consultations.push(consultation);
    this.#options.record?.({ type: 'consultation', consultation });
    const { askAgainAtMs } = decision;
    // A time that has passed is no reason to ask without end.
    this.#askAtMs =
      askAgainAtMs !== undefined && askAgainAtMs > elapsedMs
        ? askAgainAtMs
        : Number.POSITIVE_INFINITY;
    if (decision.choice !== 'go-on') await this.#act(decision);
  }

  async #act(decision: Decision): Promise<void> {
    this.#acted = decision;
    this.#askAtMs = Number.POSITIVE_INFINITY;
    switch (decision.choice) {
      case 'post-copy':
        await this.#unlessOver(() => this.#qmp.execute('migrate-start-postcopy'));
        break;
      case 'stop-now':
        // QEMU then stops the guest, sends what is left, and has the destination run it: its own way to
        // end. Only `stop` would leave the destination's guest paused and the downtime unknown.
        await this.#unlessOver(() =>
          this.#qmp.execute('migrate-set-parameters', { 'downtime-limit': endlessDowntimeMs }),
        );
        this.#stopAtMs = this.#observer.elapsedMs + stopAfterMs;
        break;
      case 'give-up':
        await this.#cancel(`The policy gave up: ${decision.because}`);
        break;
      case 'go-on':
        break;
    }
  }

  /** QEMU has no idea of its bandwidth, or one of nothing: no limit is large enough then. */
  async #stopGuest(): Promise<void> {
    this.#stopAtMs = Number.POSITIVE_INFINITY;
    this.#stoppedByUs = true;
    await this.#unlessOver(() => this.#qmp.execute('stop'));
  }

  async #cancelFor({ status }: Sighting): Promise<void> {
    if (status.startsWith('postcopy') || status === 'device') {
      // The guest runs on the destination, or is about to: without the rest it would be lost.
      this.#cancelTooLate = true;
      return;
    }
    const { reason } = this.#options.signal ?? {};
    const said = reason instanceof Error ? reason.message : String(reason);
    await this.#cancel(`The caller cancelled it: ${said}`);
  }

  async #cancel(reason: string): Promise<void> {
    this.#cancelled = reason;
    await this.#qmp.execute('migrate_cancel');
  }

  /** A migration may end while we make up our mind. */
  async #unlessOver(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof QmpCommandError)) throw error;
      const { status } = await this.#observer.ask();
      if (!endStatuses.includes(status)) throw error;
    }
  }

  #ending(status: string): Ending {
    const late = 'It was too late to cancel: the destination had begun to take the guest over.';
    const policy = this.#acted ? this.#acted.because : undefined;
    return {
      status,
      reason: this.#cancelled ?? (this.#cancelTooLate ? late : policy),
      passes: this.#passes,
      consultations: this.#consultations,
      stoppedByUs: this.#stoppedByUs,
      cancelledByUs: this.#cancelled !== undefined,
    };
  }
}
