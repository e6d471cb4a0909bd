// The handle of a running migration: its updates, its result, and the calls that change it.
import { callersReason } from './cancel-reason.js';
import type { Controller } from './controller.js';
import type { Observation } from './decision.js';
import type { MigrationLimits } from './options.js';
import type { MigrationResult } from './result.js';
import type { MigrationUpdate, UpdateLog } from './updates.js';

/**
 * A migration that has begun. Iterate over it for passes and progress; `result` is how it ends. It can be iterated over
 * late, more than once, or not at all: nothing waits for a reader, and QEMU is asked for progress only while somebody
 * iterates. With `await using`, leaving the block cancels a migration that still runs, and waits for its end.
 */
export class Migration implements AsyncIterable<MigrationUpdate>, AsyncDisposable {
  /**
   * How the migration ended, once it has. It does not reject: the outcome is `unknown` where QEMU can't be reached any
   * more, and `callbackFailures` says which policy or callback threw.
   */
  readonly result: Promise<MigrationResult>;
  readonly #controller: Controller;
  readonly #updates: UpdateLog;
  #isOver = false;

  /** @internal */
  constructor(controller: Controller, updates: UpdateLog, result: Promise<MigrationResult>) {
    this.#controller = controller;
    this.#updates = updates;
    this.result = result;
    const setOver = () => {
      this.#isOver = true;
    };
    // Whoever iterates gets the error there: it is not unhandled when nobody awaits the result as well.
    result.then(setOver, setOver);
  }

  /** The migration as a policy would see it now. */
  get observation(): Observation {
    return this.#controller.observation;
  }

  /**
   * Cancels the migration and waits for its end. It may be too late: once post-copy has begun, or the guest is being
   * handed over, the migration goes on, and the `reason` of the result says so.
   */
  async cancel(reason?: string): Promise<MigrationResult> {
    this.#controller.requestCancel(callersReason(reason));
    return await this.result;
  }

  /**
   * Switches to post-copy. That needs a migration that began with the method `hybrid` or `post-copy`; the policy is
   * not evaluated any more. Throws MigrationStateError when it is not possible, or too late.
   */
  async switchToPostcopy(): Promise<void> {
    await this.#controller.switchToPostcopy();
  }

  /**
   * Changes the limits of bandwidth and downtime. They are set back when the migration ends.
   * Throws MigrationStateError when the migration has ended, or is being ended.
   */
  async setLimits(limits: MigrationLimits): Promise<void> {
    await this.#controller.setLimits(limits);
  }

  /** The updates from the beginning on, each once; of progress that was not read in time, only the newest. */
  [Symbol.asyncIterator](): AsyncIterator<MigrationUpdate, void, undefined> {
    return this.#updates[Symbol.asyncIterator]();
  }

  /** Cancels the migration if it still runs, and waits for its end. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isOver) await this.cancel('it was disposed of.');
  }
}
