// What a migration of libvirt is told while it runs: how long it may stop the guest, to go on in post-copy, to end now. The
// method or a policy decides that.
import { maxDowntimeLimitMs, stopGuestAfterMs } from '../../../migration/controller.js';
import type { Decision } from '../../../migration/decision.js';
import { parsePolicies } from '../../../policy/named.js';
import type { MoveMethod } from '../../../site/move.js';
import { ActError } from '../../errors.js';
import type { Decisions } from '../../move/next-action.js';
import type { Guidance, MoveProgress } from '../driver.js';
import type { Domain } from './domain.js';
import { Following } from './following.js';
import { postCopyFromPass } from './migrate-words.js';

/** QEMU has switched to post-copy by then, and libvirt knows. */
const switchMs = 3000;

/** What is steered. */
export interface Steered {
  /** The domain that moves, where it moves from. */
  readonly domain: Domain;
  readonly method: MoveMethod;
  /** Another process has begun it, and may have told it something a moment ago. */
  readonly isTakenOver: boolean;
  /** Hears when the policy has chosen something. */
  readonly onNews: () => void;
}

/** Steers one migration. */
export class Steering implements AsyncDisposable {
  readonly #domain: Domain;
  readonly #method: MoveMethod;
  readonly #following: Following | undefined;
  #hasLimit = false;
  #limitLiftedAtMs: number | undefined;
  /** Until then a switch to post-copy may not be seen yet. */
  #maySwitchUntilMs: number;

  constructor({ domain, method, isTakenOver, onNews }: Steered) {
    this.#domain = domain;
    this.#method = method;
    const maySwitch = isTakenOver && method.name !== 'pre-copy';
    this.#maySwitchUntilMs = maySwitch ? performance.now() + switchMs : 0;
    if (method.policy.length > 0) {
      const policy = parsePolicies(method.policy);
      this.#following = new Following({ domain, method, policy, onNews });
    }
  }

  /** What the policy has chosen, once that was not to go on. */
  get decision(): Decision | undefined {
    return this.#following?.decision;
  }

  /** Before libvirt is told to migrate; throws ActError where the policy can't be followed. */
  async begin(): Promise<void> {
    await this.#following?.begin();
  }

  /** What the migration is to be told now. Some of it can be told to one that runs only. */
  async due(
    { sentBytes, passes }: MoveProgress,
    { chosen, toldToStop }: Decisions,
  ): Promise<Guidance | undefined> {
    const hasBegun = sentBytes > 0;
    if (!hasBegun) return undefined;
    if (chosen?.choice === 'post-copy') return 'switch-to-post-copy';
    if (chosen?.choice === 'stop-now') return await this.#stopping(toldToStop === true);
    await this.#limitDowntime();
    const from = postCopyFromPass(this.#method);
    if (from !== undefined && passes + 1 >= from) return 'switch-to-post-copy';
    if (!chosen) this.#following?.goOn();
    return undefined;
  }

  async #limitDowntime(): Promise<void> {
    const { downtimeLimitMs } = this.#method;
    if (downtimeLimitMs === undefined || this.#hasLimit) return;
    try {
      await this.#domain.tell('migrate-setmaxdowntime', `${Math.ceil(downtimeLimitMs)}`);
      this.#hasLimit = true;
    } catch (error) {
      // It may just have ended; otherwise it is told again.
      if (!(error instanceof ActError)) throw error;
    }
  }

  /** Where QEMU knows no bandwidth, no limit is long enough. */
  async #stopping(isTold: boolean): Promise<Guidance | undefined> {
    if (this.#limitLiftedAtMs === undefined) return 'stop-now';
    if (isTold || performance.now() - this.#limitLiftedAtMs < stopGuestAfterMs) {
      return undefined;
    }
    const answers = await this.#domain.look();
    return typeof answers === 'object' && answers.state === 'running' ? 'stop-guest' : undefined;
  }

  /**
   * Throws where the switch to post-copy may be under way: QEMU cancels in post-copy as well, with the guest at the
   * destination, and libvirt refuses to only once it has noticed the switch.
   */
  checkCancel(): void {
    if (performance.now() >= this.#maySwitchUntilMs) return;
    throw new ActError('It may be switching to post-copy at this moment: it is not cancelled.');
  }

  /** Tells it. One that has ended meanwhile need not be told any more. */
  async act(guidance: Guidance): Promise<void> {
    try {
      await this.#tell(guidance);
    } catch (error) {
      if (!(error instanceof ActError)) throw error;
      if (!(await this.#isOver())) throw error;
    }
  }

  async #tell(guidance: Guidance): Promise<void> {
    switch (guidance) {
      case 'switch-to-post-copy':
        await this.#switchToPostCopy();
        return;
      case 'stop-now':
        await this.#liftLimit();
        return;
      case 'stop-guest':
        await this.#domain.tell('suspend');
        await this.runAgain();
        return;
    }
  }

  async #switchToPostCopy(): Promise<void> {
    this.#maySwitchUntilMs = Number.POSITIVE_INFINITY;
    try {
      await this.#domain.tell('migrate-postcopy');
    } finally {
      this.#maySwitchUntilMs = performance.now() + switchMs;
    }
  }

  /** QEMU then stops the guest as soon as it can. A limit that comes too late would be that of the next migration. */
  async #liftLimit(): Promise<void> {
    const { virsh, id } = this.#domain;
    const [before = ''] = await virsh.run(['migrate-getmaxdowntime', id]);
    await this.#domain.tell('migrate-setmaxdowntime', `${maxDowntimeLimitMs}`);
    this.#limitLiftedAtMs = performance.now();
    if (await this.#isOver()) await this.#domain.tell('migrate-setmaxdowntime', before);
  }

  /** Whether the migration has ended; false also where nobody can tell. */
  async #isOver(): Promise<boolean> {
    const answers = await this.#domain.look();
    return answers === 'absent' || (typeof answers === 'object' && answers.job !== 'outgoing');
  }

  /** Has a guest run again that was stopped for a migration which had ended by then: of others libvirt takes care. */
  async runAgain(): Promise<void> {
    const answers = await this.#domain.look();
    if (typeof answers !== 'object') return;
    const { job, state, reason } = answers;
    if (job === 'none' && state === 'paused' && reason === 'user') {
      await this.#domain.tell('resume');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#following?.[Symbol.asyncDispose]();
  }
}
