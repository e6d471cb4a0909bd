// The migration of one move by QMP, in the hands of this process: begun here, or taken over from a controller that was
// killed.
import { messageOf } from '../../../errors/message-of.js';
import type { Connections } from '../../../migration/connections.js';
import type { Decision } from '../../../migration/decision.js';
import { MigrationRefusedError } from '../../../migration/errors.js';
import { JournalError } from '../../../migration/journal.js';
import { JournalDirectory } from '../../../migration/journal-directory.js';
import { startOver } from '../../../migration/migrate.js';
import type { Migration } from '../../../migration/migration.js';
import {
  type MigrateOptions,
  type MigrationProgress,
  parseMigrateOptions,
} from '../../../migration/options.js';
import type { MigrationResult } from '../../../migration/result.js';
import { putBack, takeOverWith } from '../../../migration/take-over.js';
import { parsePolicies } from '../../../policy/named.js';
import { QmpError } from '../../../qmp/errors.js';
import type { FakeDirtyHash } from '../../../qmp/schema/fake-dirty.js';
import type { MoveMethod } from '../../../site/move.js';
import { methodOptions } from '../../../strategy/method/method-options.js';
import { within } from '../../../system/deadline.js';
import { ActRefusedError } from '../../errors.js';

/** All settings have been put back by then. */
const settleMs = 15_000;

/** What a migration is of. */
export interface HeldMigrationGiven {
  /** The folder for the journals of this attempt's migrations. */
  readonly journals: string;
  readonly method: MoveMethod;
  /** Hears that it has ended. */
  readonly onNews: () => void;
}

/** The migration of one move, once there is one. */
export class HeldMigration {
  readonly #journals: JournalDirectory;
  readonly #method: MoveMethod;
  readonly #onNews: () => void;
  #migration: Migration | undefined;
  #result: MigrationResult | undefined;
  #progress: MigrationProgress | undefined;
  #failure: string | undefined;

  constructor({ journals, method, onNews }: HeldMigrationGiven) {
    this.#journals = new JournalDirectory(journals);
    this.#method = method;
    this.#onNews = onNews;
  }

  /** Whether this process holds one, ended or not. */
  get isHeld(): boolean {
    return this.#migration !== undefined;
  }

  /** What it has said last. */
  get progress(): MigrationProgress | undefined {
    return this.#progress;
  }

  /** The passes that have ended. */
  get passes(): number {
    return this.#migration?.observation.passes.length ?? 0;
  }

  /** What came of it, once it has ended. */
  get result(): MigrationResult | undefined {
    return this.#result;
  }

  /** What its policy has chosen, once that was not to go on. */
  get decision(): Decision | undefined {
    const decided = this.#result?.policyEvaluations.at(-1)?.decision;
    return decided?.choice === 'go-on' ? undefined : decided;
  }

  /** Why it could not be begun, or taken over. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Begins it; throws ActRefusedError where it can't be done as asked. */
  async begin(
    connections: Connections,
    options: Pick<MigrateOptions, 'to' | 'parameters'>,
  ): Promise<void> {
    const file = this.#journals.create();
    try {
      const checked = parseMigrateOptions({
        ...methodOptions<FakeDirtyHash>(this.#method),
        ...options,
        destinationIsHeld: true,
        journal: { write: file.write, policy: this.#method.policy },
        onProgress: this.#onProgress,
      });
      this.#follow(await startOver(connections, checked), file);
    } catch (error) {
      file[Symbol.dispose]();
      this.#failure = messageOf(error);
      throw error instanceof MigrationRefusedError ? new ActRefusedError(error.message) : error;
    }
  }

  /**
   * Takes over the one whose controller was killed; of one that is over, settings are put back. Returns false where it
   * is somebody else's.
   */
  async takeOver(
    connect: () => Promise<Connections>,
    { isOver }: { readonly isOver: boolean },
  ): Promise<boolean> {
    const [found] = this.#journals.open();
    if (!found) return true;
    const connections = await connect();
    const file = this.#journals.goOn(found);
    const { journal } = found;
    try {
      if (isOver) {
        await putBack(connections, journal, file.write);
        file[Symbol.dispose]();
        return true;
      }
      const { policy } = journal.begin;
      const migration = await takeOverWith(connections, journal, {
        write: file.write,
        ...(policy ? { policy: parsePolicies(policy) } : {}),
        onProgress: this.#onProgress,
      });
      this.#follow(migration, file);
      return true;
    } catch (error) {
      file[Symbol.dispose]();
      // The source is silent again: whoever looks next sees that.
      if (error instanceof QmpError) return true;
      if (!(error instanceof JournalError)) throw error;
      this.#failure = messageOf(error);
      return false;
    }
  }

  readonly #onProgress = (progress: MigrationProgress): void => {
    this.#progress = progress;
  };

  #follow(migration: Migration, file: Disposable): void {
    this.#migration = migration;
    const settle = (result: MigrationResult | undefined) => {
      this.#result = result;
      file[Symbol.dispose]();
      this.#onNews();
    };
    migration.result.then(settle, () => settle(undefined));
  }

  /** One that could not reach the source any more has ended, and put nothing back: it can be taken over again. */
  forgetIfLost(): void {
    if (this.#result?.outcome !== 'unknown') return;
    this.#migration = undefined;
    this.#result = undefined;
  }

  /** Tells it to stop; false where this process holds none that runs. */
  cancel(): boolean {
    if (!this.#migration || this.#result) return false;
    this.#migration.cancel().catch(() => {});
    return true;
  }

  /** Waits until it has put back what it changed, though not for ever. */
  async untilSettled(): Promise<void> {
    if (this.#migration) await within(settleMs, this.#migration.result, () => undefined);
  }
}
