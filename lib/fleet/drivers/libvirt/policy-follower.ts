// Evaluates a policy while libvirt moves a VM: its QEMU is watched through libvirt. What the policy chooses is carried out
// by whoever asks for its decision.
import { messageOf } from '../../../errors/message-of.js';
import type { Decision, MigrationContext, Policy } from '../../../migration/decision.js';
import { contextOf } from '../../../migration/migrate.js';
import { Observer } from '../../../migration/observer.js';
import type { Pass } from '../../../migration/pass.js';
import { PolicyRun } from '../../../migration/policy-run.js';
import { readQemuSetup } from '../../../migration/qemu-setup.js';
import { endStatuses } from '../../../migration/statuses.js';
import type { QmpClient } from '../../../qmp/client.js';
import type { MigrationInfo } from '../../../qmp/schema/migration.js';
import type { MoveMethod } from '../../../site/move.js';
import type { Domain } from './domain.js';
import { connectToDomain } from './domain-qmp.js';

/** A QEMU that is silent for longer is asked anew, over another connection. */
const answerMs = 10_000;

/** What is followed. */
export interface Followed {
  /** The domain that moves, where it moves from. */
  readonly domain: Domain;
  readonly method: MoveMethod;
  readonly policy: Policy;
  /** It moves already. */
  readonly isUnderWay: boolean;
  /** The passes that were seen before, if any were. */
  readonly earlier: readonly Pass[];
  /** Hears when there is a decision, or none will come any more. */
  readonly onNews: () => void;
}

/** What nobody has seen of a migration that runs: all passes that have ended, as one. */
function unseenPasses({ ram, 'total-time': endMs = 0 }: MigrationInfo, pageBytes: number): Pass[] {
  const ended = (ram?.['dirty-sync-count'] ?? 0) - 1;
  if (!ram || ended < 1) return [];
  return [
    {
      ...{ number: ended, merged: ended, phase: 'pre-copy', startMs: 0, endMs },
      sentBytes: ram.transferred,
      normalPages: ram.normal,
      zeroPages: ram.duplicate,
      dirtyPages: Math.ceil(ram.remaining / pageBytes),
      throttlePercent: 0,
      linkBytesPerSecond: (ram.mbps * 1e6) / 8,
    },
  ];
}

/** Evaluates a policy during one migration. */
export class PolicyFollower implements AsyncDisposable {
  readonly #followed: Followed;
  readonly #qmp: QmpClient;
  readonly #observer: Observer;
  readonly #context: MigrationContext;
  readonly #passes: Pass[];
  readonly #ended: Promise<void>;
  #decision: Decision | undefined;
  #failure: string | undefined;

  private constructor(
    followed: Followed,
    qmp: QmpClient,
    context: MigrationContext,
    earlier: readonly Pass[],
  ) {
    this.#followed = followed;
    this.#qmp = qmp;
    this.#context = context;
    this.#passes = [...earlier];
    this.#observer = new Observer({
      qmp,
      events: qmp.events(),
      sawBeginning: true,
      earlier,
      // libvirt has them on wherever QEMU has them.
      eventsOn: true,
      record: undefined,
      onProgress: undefined,
      wantsProgress: () => false,
    });
    if (followed.isUnderWay) this.#observer.catchUp();
    this.#ended = this.#follow().finally(followed.onNews);
  }

  /** Watches from now on. Begin before libvirt is told to migrate, and nothing of it is missed. */
  static async begin(followed: Followed): Promise<PolicyFollower> {
    const { domain, method, isUnderWay, earlier } = followed;
    const qmp = await connectToDomain(domain, { timeoutMs: answerMs });
    try {
      const setup = await readQemuSetup(qmp);
      const said = contextOf(setup);
      const context = {
        ...said,
        downtimeLimitMs: method.downtimeLimitMs ?? said.downtimeLimitMs,
        // libvirt sets a limit of its own, which is none, when it migrates.
        bandwidthLimitBytesPerSecond: method.bytesPerSecond ?? 0,
        postcopyPossible: method.name !== 'pre-copy',
      };
      const isSeen = earlier.length > 0 || !isUnderWay;
      const before = isSeen ? earlier : unseenPasses(setup.migration, said.pageBytes);
      return new PolicyFollower(followed, qmp, context, before);
    } catch (error) {
      await qmp.close();
      throw error;
    }
  }

  /** What the policy has chosen, once that was not to go on. */
  get decision(): Decision | undefined {
    return this.#decision;
  }

  /** All passes that have ended. */
  get passes(): readonly Pass[] {
    return this.#passes;
  }

  /** Why it sees nothing any more. */
  get failure(): string | undefined {
    return this.#failure;
  }

  async #follow(): Promise<void> {
    try {
      this.#decision = await this.#untilDecided();
    } catch (error) {
      this.#failure = messageOf(error);
    }
  }

  async #untilDecided(): Promise<Decision | undefined> {
    const run = new PolicyRun(this.#followed.policy);
    for (;;) {
      const observed = await this.#observer.next(run.evaluateAtMs);
      const { pass, status, elapsedMs } = observed;
      if (pass) this.#passes.push(pass);
      if (endStatuses.includes(status) || status.startsWith('postcopy')) return undefined;
      // libvirt has QEMU wait in "pre-switchover", with its guest stopped: all is decided by then.
      if (status !== 'active' || !run.isDue(observed)) continue;
      const passes = [...this.#passes];
      const { decision } = run.evaluate({ ...this.#context, elapsedMs, passes });
      if (decision.choice !== 'go-on') return decision;
    }
  }

  /** Ends watching; the migration goes on. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#qmp.close();
    await this.#ended;
  }
}
