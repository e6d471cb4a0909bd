// Follows a policy while libvirt moves a VM: its QEMU is watched, and what the policy chooses is done by libvirt.
import { setTimeout as pause } from 'node:timers/promises';
import { messageOf } from '../../../errors/message-of.js';
import type { Decision, MigrationContext, Policy } from '../../../migration/decision.js';
import { contextOf } from '../../../migration/migrate.js';
import { Observer } from '../../../migration/observer.js';
import type { Pass } from '../../../migration/pass.js';
import { PolicyRun } from '../../../migration/policy-run.js';
import { readQemuSetup } from '../../../migration/qemu-setup.js';
import { endStatuses } from '../../../migration/statuses.js';
import type { QmpClient } from '../../../qmp/client.js';
import type { MoveMethod } from '../../../site/move.js';
import { ActError } from '../../errors.js';
import type { Domain } from './domain.js';
import { connectToDomain } from './domain-qmp.js';

/** The longest downtime limit that QEMU accepts. */
const maxDowntimeMs = 2_000_000;
/** QEMU decides ten times a second whether what is left fits into the limit: by then it has had many chances. */
const stopGuestAfterMs = 2000;

/** What is followed. */
export interface Followed {
  /** The domain that moves, where it moves from. */
  readonly domain: Domain;
  readonly method: MoveMethod;
  readonly policy: Policy;
  /** It moves already: what has been of it before is not known. */
  readonly isUnderWay: boolean;
}

/** Follows a policy during one migration. */
export class PolicyFollower implements AsyncDisposable {
  readonly #followed: Followed;
  readonly #qmp: QmpClient;
  readonly #observer: Observer;
  readonly #context: MigrationContext;
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;
  #decision: Decision | undefined;
  #failure: string | undefined;

  private constructor(
    followed: Followed,
    qmp: QmpClient,
    observer: Observer,
    context: MigrationContext,
  ) {
    this.#followed = followed;
    this.#qmp = qmp;
    this.#observer = observer;
    this.#context = context;
    this.#ended = this.#follow();
  }

  /** Watches from now on. Begin before libvirt is told to migrate, and nothing of it is missed. */
  static async begin(followed: Followed): Promise<PolicyFollower> {
    const { domain, method, isUnderWay } = followed;
    const qmp = await connectToDomain(domain);
    try {
      const setup = await readQemuSetup(qmp);
      const observer = new Observer({
        qmp,
        events: qmp.events(),
        sawBeginning: !isUnderWay,
        // libvirt has them on wherever QEMU has them.
        eventsOn: true,
        record: undefined,
        onProgress: undefined,
        wantsProgress: () => false,
      });
      if (isUnderWay) observer.catchUp();
      const { downtimeLimitMs, bytesPerSecond } = method;
      const said = contextOf(setup);
      const context = {
        ...said,
        downtimeLimitMs: downtimeLimitMs ?? said.downtimeLimitMs,
        bandwidthLimitBytesPerSecond: bytesPerSecond ?? said.bandwidthLimitBytesPerSecond,
        postcopyPossible: method.name !== 'pre-copy',
      };
      return new PolicyFollower(followed, qmp, observer, context);
    } catch (error) {
      await qmp.close();
      throw error;
    }
  }

  /** What the policy has chosen, once that was not to go on. */
  get decision(): Decision | undefined {
    return this.#decision;
  }

  /** Why it can't be followed any more. */
  get failure(): string | undefined {
    return this.#failure;
  }

  async #follow(): Promise<void> {
    try {
      await this.#untilDecided();
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      // Its QEMU is gone with its guest, or nobody decides any more when it has taken too long.
      this.#failure = `The policy could not be followed: ${messageOf(error)}`;
      await this.#tell('domjobabort').catch(() => {});
    }
  }

  async #untilDecided(): Promise<void> {
    const run = new PolicyRun(this.#followed.policy);
    const passes: Pass[] = [];
    for (;;) {
      const observed = await this.#observer.next(run.evaluateAtMs);
      const { pass, status, elapsedMs } = observed;
      if (pass) passes.push(pass);
      if (endStatuses.includes(status) || status.startsWith('postcopy')) return;
      // libvirt has QEMU wait in "pre-switchover", with its guest stopped: all is decided by then.
      if (status !== 'active' || !run.isDue(observed)) continue;
      const { decision } = run.evaluate({ ...this.#context, elapsedMs, passes: [...passes] });
      if (decision.choice === 'go-on') continue;
      this.#decision = decision;
      await this.#carryOut(decision);
      return;
    }
  }

  async #carryOut({ choice }: Decision): Promise<void> {
    switch (choice) {
      case 'post-copy':
        await this.#tell('migrate-postcopy');
        break;
      case 'stop-now':
        await this.#tell('migrate-setmaxdowntime', `${maxDowntimeMs}`);
        await this.#stopGuest();
        break;
      case 'give-up':
        await this.#tell('domjobabort');
        break;
      case 'go-on':
        break;
    }
  }

  /** Where QEMU knows no bandwidth, no limit is long enough. libvirt runs the guest again where it is in the end. */
  async #stopGuest(): Promise<void> {
    await pause(stopGuestAfterMs, undefined, { signal: this.#stop.signal }).catch(() => {});
    if (this.#stop.signal.aborted) return;
    const answers = await this.#followed.domain.look();
    if (typeof answers !== 'object') return;
    if (answers.job === 'outgoing' && answers.state === 'running') await this.#tell('suspend');
  }

  /** The migration may end while something is being decided. */
  async #tell(command: string, ...words: string[]): Promise<void> {
    const { domain } = this.#followed;
    try {
      await domain.tell(command, ...words);
    } catch (error) {
      if (!(error instanceof ActError)) throw error;
      const answers = await domain.look();
      if (typeof answers === 'object' && answers.job === 'outgoing') throw error;
    }
  }

  /** Ends watching; the migration goes on. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#qmp.close();
    await this.#ended;
  }
}
