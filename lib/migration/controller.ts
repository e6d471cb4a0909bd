// Takes a running migration to its end: evaluates the policy, and carries out its decisions and the caller's requests.
import { z } from 'zod';
import { messageOf } from '../errors/message-of.js';
import type { QmpSession } from '../qmp/client.js';
import { QmpCommandError, QmpError } from '../qmp/errors.js';
import type { Callbacks } from './callbacks.js';
import { Cancellation } from './cancel.js';
import type { Decision, MigrationContext, Observation, PolicyEvaluation } from './decision.js';
import { MigrationStateError } from './errors.js';
import type { Incoming } from './incoming.js';
import type { Journal, JournalWriter } from './journal.js';
import type { Observed, Observer } from './observer.js';
import { type CheckedOptions, type MigrationLimits, parseLimits } from './options.js';
import type { Pass } from './pass.js';
import { defaultPolicy, PolicyRun } from './policy-run.js';
import { endStatuses } from './statuses.js';
import type { UpdateLog } from './updates.js';

/** The longest downtime limit that QEMU accepts. */
export const maxDowntimeLimitMs = 2_000_000;
const statusPollMs = 200;
const statusSchema = z.looseObject({ status: z.string().default('none') });
/** QEMU decides ten times a second whether what is left fits into the limit: by then it has had many chances. */
export const stopGuestAfterMs = 2000;

/** How the migration ended, before anybody has looked where the guest is. */
export interface MigrationEnd {
  /** QEMU's own; `none` if it never began, `unknown` where QEMU could not be asked any more. */
  readonly status: string;
  /** Why we ended it, if we did. */
  readonly reason: string | undefined;
  readonly passes: readonly Pass[];
  readonly policyEvaluations: readonly PolicyEvaluation[];
  /** We stopped the guest, so nobody but us continues it. */
  readonly stoppedByUs: boolean;
  /** We cancelled the migration. */
  readonly cancelledByUs: boolean;
  /** We told the destination not to run the guest by itself. */
  readonly destinationHeld: boolean;
  /** It was cancelled while the guest was being handed over: the destination may run it as well. */
  readonly mayRunTwice: boolean;
}

/** What a controller works with. */
export interface ControllerOptions
  extends Pick<
    CheckedOptions,
    'method' | 'policy' | 'onPolicyFailure' | 'onPass' | 'record' | 'destinationIsHeld'
  > {
  readonly qmp: QmpSession;
  readonly observer: Observer;
  readonly context: MigrationContext;
  readonly updates: UpdateLog;
  readonly callbacks: Callbacks;
  /** The destination, if its QMP is at hand. */
  readonly incoming: Incoming | undefined;
  /** Whether the guest ran when the migration began. */
  readonly wasRunning: boolean;
  readonly journal: JournalWriter | undefined;
  /** What another process had begun to do, whose migration this is. */
  readonly resumes?:
    | Pick<Journal, 'migrateAtMs' | 'passes' | 'decision' | 'stopsGuest' | 'cancelReason'>
    | undefined;
}

function isInPostcopy(status: string): boolean {
  return status.startsWith('postcopy') || status === 'device';
}

/** Controls one migration. */
export class Controller {
  readonly #options: ControllerOptions;
  readonly #passes: Pass[] = [];
  #context: MigrationContext;
  readonly #policy: PolicyRun;
  /** What is being done, once something other than going on was decided. */
  #decision: Decision | undefined;
  #cancel: { readonly reason: string; state: 'requested' | 'sent' | 'too-late' } | undefined;
  #cancellation: Cancellation | undefined;
  #hasEnded = false;
  /** What kept us from controlling it, if anything did. */
  #failure: string | undefined;
  #stopGuestAtMs = Number.POSITIVE_INFINITY;
  #stoppedByUs = false;
  /** QEMU was told to switch to post-copy: it may have done so, though it has not said so yet. */
  #isSwitching: boolean;
  /** Parameters of QEMU that were changed while the migration ran. */
  readonly changedParameters = new Set<string>();

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.#context = options.context;
    this.#policy = new PolicyRun(options.policy ?? defaultPolicy(options.method));
    this.#stoppedByUs = options.resumes?.stopsGuest ?? false;
    this.#isSwitching = options.resumes?.decision?.choice === 'post-copy';
    this.#passes.push(...(options.resumes?.passes ?? []));
  }

  /** The migration as a policy would see it now. */
  get observation(): Observation {
    const { elapsedMs } = this.#options.observer;
    return { ...this.#context, elapsedMs, passes: [...this.#passes] };
  }

  /** Resolves when the migration is over, or when nobody can tell any more how it goes on: it never rejects. */
  async runToEnd(): Promise<MigrationEnd> {
    try {
      return this.#end(await this.#untilOver());
    } catch (error) {
      return await this.#abandon(error);
    } finally {
      this.#hasEnded = true;
      this.#cancellation?.[Symbol.dispose]();
    }
  }

  /** It can't be controlled any more, so it must not go on, unless the guest runs at the destination already. */
  async #abandon(error: unknown): Promise<MigrationEnd> {
    const message = messageOf(error);
    this.#failure = `The migration could not be controlled any more: ${message}`;
    try {
      await this.#cancelUnlessTooLate(this.#failure);
      return this.#end(await this.#untilStatus());
    } catch (unreachable) {
      if (!(unreachable instanceof QmpError)) throw unreachable;
      return this.#end('unknown');
    }
  }

  /** Nothing but the status is asked for: all else may be what went wrong. */
  async #untilStatus(): Promise<string> {
    for (;;) {
      const { status } = await this.#options.qmp.query('query-migrate', { schema: statusSchema });
      if (endStatuses.includes(status)) return status;
      await new Promise((resolve) => setTimeout(resolve, statusPollMs));
    }
  }

  async #untilOver(): Promise<string> {
    const { observer, resumes } = this.#options;
    if (resumes) {
      // Once decided, never again: it may have been half-way done.
      const observed = await observer.query();
      const { status, pass } = observed;
      if (pass) this.#addPass(pass);
      if (resumes.migrateAtMs === undefined || status === 'none') return 'none';
      if (endStatuses.includes(status)) return status;
      if (resumes.cancelReason !== undefined) await this.#cancelUnlessTooLate(resumes.cancelReason);
      else if (!resumes.decision) await this.#proceed(observed);
      else if (!isInPostcopy(status)) await this.#carryOut(resumes.decision);
    }
    for (;;) {
      if (this.#cancel?.state === 'requested') await this.#cancelUnlessTooLate(this.#cancel.reason);
      const observed = await observer.next(
        Math.min(this.#policy.evaluateAtMs, this.#stopGuestAtMs),
      );
      if (observed.pass) this.#addPass(observed.pass);
      if (endStatuses.includes(observed.status)) return observed.status;
      if (!this.#cancel || this.#cancel.state === 'too-late') await this.#proceed(observed);
    }
  }

  /** Cancels the migration as soon as possible, unless it is too late by then. */
  requestCancel(reason: string): void {
    if (this.#hasEnded || this.#cancel) return;
    this.#cancel = { reason, state: 'requested' };
    this.#options.observer.interrupt();
  }

  /** Switches to post-copy; from then on the policy is no longer evaluated. */
  async switchToPostcopy(): Promise<void> {
    this.#assertUndecided('switch to post-copy');
    if (!this.#context.postcopyPossible) {
      throw new MigrationStateError(
        'This migration can\'t switch to post-copy: it began without the capability "postcopy-ram". ' +
          'Begin it with the method "hybrid" and a policy.',
      );
    }
    const reason = 'The caller switched to post-copy.';
    const decision = { choice: 'post-copy', policy: 'caller', reason, numbers: {} } as const;
    this.#tell(this.#policy.add(decision, this.observation));
    await this.#carryOut(decision);
  }

  /** Changes the limits of the migration. */
  async setLimits(limits: MigrationLimits): Promise<void> {
    const { bandwidthBytesPerSecond, downtimeLimitMs } = parseLimits(limits);
    this.#assertUndecided('change the limits');
    const parameters = {
      ...(bandwidthBytesPerSecond === undefined
        ? {}
        : { 'max-bandwidth': bandwidthBytesPerSecond }),
      ...(downtimeLimitMs === undefined ? {} : { 'downtime-limit': downtimeLimitMs }),
    };
    await this.#unlessOver(() => this.#setParameters(parameters));
    this.#context = {
      ...this.#context,
      bandwidthLimitBytesPerSecond:
        bandwidthBytesPerSecond ?? this.#context.bandwidthLimitBytesPerSecond,
      downtimeLimitMs: downtimeLimitMs ?? this.#context.downtimeLimitMs,
    };
    const { elapsedMs, bandwidthLimitBytesPerSecond, downtimeLimitMs: limitMs } = this.observation;
    this.#options.record?.({
      type: 'limits',
      elapsedMs,
      bandwidthLimitBytesPerSecond,
      downtimeLimitMs: limitMs,
    });
  }

  #assertUndecided(what: string): void {
    if (this.#hasEnded)
      throw new MigrationStateError(`Too late to ${what}: the migration has ended.`);
    if (this.#cancel && this.#cancel.state !== 'too-late') {
      throw new MigrationStateError(`Too late to ${what}: the migration is being cancelled.`);
    }
    if (!this.#decision) return;
    const { choice, policy, reason } = this.#decision;
    throw new MigrationStateError(
      `Too late to ${what}: the policy "${policy}" has chosen "${choice}". ${reason}`,
    );
  }

  async #proceed(observed: Observed): Promise<void> {
    if (observed.isGuestStopped) this.#stopGuestAtMs = Number.POSITIVE_INFINITY;
    if (this.#decision || observed.status !== 'active') {
      const isTime = observed.elapsedMs >= this.#stopGuestAtMs && observed.status === 'active';
      if (isTime) await this.#stopGuest();
      return;
    }
    if (this.#options.method === 'post-copy') {
      const reason = 'The method "post-copy" was asked for.';
      await this.#carryOut({ choice: 'post-copy', policy: 'method', reason, numbers: {} });
      return;
    }
    if (this.#policy.isDue(observed)) await this.#evaluate();
  }

  #addPass(pass: Pass): void {
    const { record, updates, journal, onPass } = this.#options;
    this.#passes.push(pass);
    journal?.({ type: 'pass', pass });
    record?.({ type: 'pass', pass });
    updates.add({ type: 'pass', pass });
    onPass?.(pass, this.observation);
  }

  #tell(evaluation: PolicyEvaluation): void {
    const { record, updates } = this.#options;
    record?.({ type: 'policy-evaluation', evaluation });
    updates.add({ type: 'policy-evaluation', evaluation });
  }

  async #evaluate(): Promise<void> {
    let evaluation: PolicyEvaluation;
    try {
      evaluation = this.#policy.evaluate(this.observation);
    } catch (error) {
      await this.#endPolicy(error);
      return;
    }
    this.#tell(evaluation);
    const { decision } = evaluation;
    if (decision.choice !== 'go-on') await this.#carryOut(decision);
  }

  /** The policy failed: nobody decides any more when this has taken too long. */
  async #endPolicy(error: unknown): Promise<void> {
    const { callbacks, onPolicyFailure } = this.#options;
    callbacks.fail('policy', error);
    this.#policy.end();
    if (onPolicyFailure === 'go-on') return;
    const message = messageOf(error);
    await this.#sendCancel(`The policy failed, so the migration was cancelled: ${message}`);
  }

  async #carryOut(decision: Decision): Promise<void> {
    const { observer, journal } = this.#options;
    journal?.({ type: 'decision', elapsedMs: observer.elapsedMs, decision });
    this.#decision = decision;
    this.#policy.end();
    switch (decision.choice) {
      case 'post-copy':
        await this.#unlessOver(() => this.#startPostcopy());
        break;
      case 'stop-now':
        // QEMU then stops the guest, sends what is left, and has the destination run it. `stop` alone would leave
        // the destination's guest paused and the downtime unknown.
        await this.#unlessOver(() => this.#setParameters({ 'downtime-limit': maxDowntimeLimitMs }));
        this.#stopGuestAtMs = observer.elapsedMs + stopGuestAfterMs;
        break;
      case 'give-up':
        await this.#sendCancel(`The policy gave up: ${decision.reason}`);
        break;
      case 'go-on':
        break;
    }
  }

  async #startPostcopy(): Promise<void> {
    this.#isSwitching = true;
    try {
      await this.#options.qmp.execute('migrate-start-postcopy');
    } catch (error) {
      if (error instanceof QmpCommandError) this.#isSwitching = false;
      throw error;
    }
  }

  async #setParameters(parameters: Record<string, number>): Promise<void> {
    for (const name of Object.keys(parameters)) this.changedParameters.add(name);
    await this.#options.qmp.execute('migrate-set-parameters', parameters);
  }

  /** Where QEMU has no estimate of its bandwidth, or one of 0, no downtime limit is long enough. */
  async #stopGuest(): Promise<void> {
    this.#stopGuestAtMs = Number.POSITIVE_INFINITY;
    this.#stoppedByUs = true;
    const { qmp, journal, observer } = this.#options;
    journal?.({ type: 'stop-guest', elapsedMs: observer.elapsedMs });
    await this.#unlessOver(() => qmp.execute('stop'));
  }

  async #cancelUnlessTooLate(reason: string): Promise<void> {
    if (this.#isSwitching || isInPostcopy(this.#options.observer.status)) {
      // QEMU cancels in post-copy as well, and whoever continues the guest at the source has it running twice. The guest runs at the destination, or is about to: without the rest of its memory it would be lost.
      this.#cancel = { reason, state: 'too-late' };
    } else await this.#sendCancel(reason);
  }

  async #sendCancel(reason: string): Promise<void> {
    const { qmp, incoming, wasRunning, journal, observer, resumes } = this.#options;
    const { destinationIsHeld } = this.#options;
    journal?.({ type: 'cancel', elapsedMs: observer.elapsedMs, reason });
    this.#cancellation ??= new Cancellation({
      qmp,
      incoming,
      wasRunning,
      heldBefore: resumes?.cancelReason !== undefined,
      destinationIsHeld,
      setParameters: (parameters) => this.#unlessOver(() => this.#setParameters(parameters)),
    });
    const isSent = await this.#cancellation.send();
    this.#cancel = { reason, state: isSent ? 'sent' : 'too-late' };
  }

  /** The migration may end while something is being decided. */
  async #unlessOver(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof QmpCommandError)) throw error;
      const { status = 'none' } = await this.#options.qmp.execute('query-migrate');
      if (!endStatuses.includes(status)) throw error;
    }
  }

  #end(status: string): MigrationEnd {
    const cancelled = this.#cancel?.state === 'sent';
    return {
      status,
      reason: this.#failure ?? this.#reason(),
      passes: this.#passes,
      policyEvaluations: this.#policy.evaluations,
      stoppedByUs: this.#stoppedByUs,
      cancelledByUs: cancelled,
      destinationHeld:
        this.#cancellation?.isDestinationHeld ?? this.#options.resumes?.cancelReason !== undefined,
      mayRunTwice: cancelled && (this.#cancellation?.hasRaced ?? false),
    };
  }

  #reason(): string | undefined {
    switch (this.#cancel?.state) {
      case 'sent':
        return this.#cancel.reason;
      case 'too-late':
        return 'It was too late to cancel: the destination had begun to take over the guest.';
      default:
        return this.#decision?.reason;
    }
  }
}
