// The updates of a migration for any number of readers, who may start late, read slowly, or not read at all.
import type { MigrationContext, PolicyEvaluation } from './decision.js';
import type { MigrationProgress } from './options.js';
import type { Pass } from './pass.js';

/** Something that happened in a migration. `type` says what. */
export type MigrationUpdate =
  /** The migration began. */
  | { readonly type: 'begin'; readonly context: MigrationContext }
  /** A pass has ended. */
  | { readonly type: 'pass'; readonly pass: Pass }
  /** The policy was evaluated. */
  | { readonly type: 'policy-evaluation'; readonly evaluation: PolicyEvaluation }
  /** How far the migration is. Whoever reads slowly gets only the newest. */
  | { readonly type: 'progress'; readonly progress: MigrationProgress };

/**
 * The updates of one migration. Any number of readers may iterate, and each gets all of them but outdated progress.
 * Nothing waits for a reader, and what is kept is what the result of the migration holds anyway.
 */
export class UpdateLog implements AsyncIterable<MigrationUpdate> {
  readonly #kept: MigrationUpdate[] = [];
  #progress: MigrationUpdate | undefined;
  #readers = 0;
  #end: { readonly error?: unknown } | undefined;
  #notify = () => {};
  #changed: Promise<void> = this.#nextChange();
  readonly #onFirstReader: () => void;

  /** `onFirstReader` is called when somebody begins to iterate while nobody else does. */
  constructor(onFirstReader: () => void = () => {}) {
    this.#onFirstReader = onFirstReader;
  }

  /** Whether anybody iterates. */
  get hasReaders(): boolean {
    return this.#readers > 0;
  }

  add(update: Exclude<MigrationUpdate, { type: 'progress' }>): void {
    this.#kept.push(update);
    this.#notify();
  }

  /** Takes the place of the progress before. */
  setProgress(progress: MigrationProgress): void {
    this.#progress = { type: 'progress', progress };
    this.#notify();
  }

  /** No more will come. With an error, iterating throws it after the last update. */
  end(end: { readonly error?: unknown } = {}): void {
    this.#end ??= end;
    this.#notify();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<MigrationUpdate, void, undefined> {
    this.#readers += 1;
    if (this.#readers === 1) this.#onFirstReader();
    try {
      let read = 0;
      let progressRead: MigrationUpdate | undefined;
      for (;;) {
        const changed = this.#changed;
        for (let update = this.#kept[read]; update; update = this.#kept[read]) {
          read += 1;
          yield update;
        }
        if (this.#progress && this.#progress !== progressRead) {
          progressRead = this.#progress;
          yield progressRead;
        } else if (!this.#end) await changed;
        else if (read === this.#kept.length) break;
      }
      if (this.#end && 'error' in this.#end) throw this.#end.error;
    } finally {
      this.#readers -= 1;
    }
  }

  #nextChange(): Promise<void> {
    return new Promise((resolve) => {
      this.#notify = () => {
        this.#changed = this.#nextChange();
        resolve();
      };
    });
  }
}
