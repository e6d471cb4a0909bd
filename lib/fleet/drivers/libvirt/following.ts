// Keeps a policy in sight of a migration of libvirt: where what follows it fails, it is followed anew.
import { messageOf } from '../../../errors/message-of.js';
import type { Decision } from '../../../migration/decision.js';
import type { Pass } from '../../../migration/pass.js';
import { ActError } from '../../errors.js';
import { type Followed, PolicyFollower } from './policy-follower.js';

/** A migration that nobody has been able to follow for so long is given up: nobody would end what never ends by itself. */
const patienceMs = 30_000;
const againMs = 1000;

/** Follows a policy during one migration, again and again if that has to be. */
export class Following implements AsyncDisposable {
  readonly #followed: Omit<Followed, 'isUnderWay' | 'earlier'>;
  #follower: PolicyFollower | undefined;
  /** Another attempt to follow it. */
  #beginning: Promise<void> | undefined;
  #passes: readonly Pass[] = [];
  #lostAtMs: number | undefined;
  #triedAtMs = Number.NEGATIVE_INFINITY;
  #problem = '';
  #isOver = false;

  constructor(followed: Omit<Followed, 'isUnderWay' | 'earlier'>) {
    this.#followed = followed;
  }

  /** Begins before libvirt is told to migrate; throws ActError where it can't be followed. */
  async begin(): Promise<void> {
    try {
      await this.#begin(false);
    } catch (error) {
      throw new ActError(`The policy can't be followed: ${messageOf(error)}`);
    }
  }

  /** Follows a migration that runs, unless it is followed. */
  goOn(): void {
    if (this.#follower && this.#follower.failure === undefined) {
      this.#lostAtMs = undefined;
      return;
    }
    if (this.#beginning || performance.now() - this.#triedAtMs < againMs) return;
    this.#lostAtMs ??= performance.now();
    this.#problem = this.#follower?.failure ?? this.#problem;
    this.#triedAtMs = performance.now();
    this.#beginning = this.#beginAgain().finally(() => {
      this.#beginning = undefined;
    });
  }

  async #beginAgain(): Promise<void> {
    this.#passes = this.#follower?.passes ?? this.#passes;
    await this.#follower?.[Symbol.asyncDispose]();
    this.#follower = undefined;
    try {
      await this.#begin(true);
    } catch (error) {
      this.#problem = messageOf(error);
    }
  }

  async #begin(isUnderWay: boolean): Promise<void> {
    const follower = await PolicyFollower.begin({
      ...this.#followed,
      isUnderWay,
      earlier: this.#passes,
    });
    if (this.#isOver) await follower[Symbol.asyncDispose]();
    else this.#follower = follower;
  }

  /** What the policy has chosen, once that was not to go on. */
  get decision(): Decision | undefined {
    const chosen = this.#follower?.decision;
    const isLost = performance.now() - (this.#lostAtMs ?? Number.POSITIVE_INFINITY) >= patienceMs;
    if (chosen || !isLost) return chosen;
    const seconds = patienceMs / 1000;
    const reason = `It could not be followed for ${seconds} s: ${this.#problem}`;
    return { choice: 'give-up', policy: 'not-followed', reason, numbers: { seconds } };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#beginning;
    await this.#follower?.[Symbol.asyncDispose]();
  }
}
