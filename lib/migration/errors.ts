// Errors of migrations that can't begin, or can't do what they are asked while they run. A migration that ends badly is
// not an error: its result says how it ended.
import { FakedirtyError } from '../errors/error.js';
import { inWords, type Naming, Sentence, type Words } from '../errors/wording.js';

/** What was asked for is not possible. Nothing has been changed. */
export class MigrationRefusedError extends FakedirtyError {
  override readonly name = 'MigrationRefusedError';
  override readonly code = 'ERR_MIGRATION_REFUSED';

  /** Each says what is wrong, what was expected, and what to do. */
  readonly problems: readonly string[];
  readonly #problems: readonly Words[];

  constructor(problems: readonly Words[]) {
    const [first = '', ...others] = problems;
    const lines = problems.flatMap((problem, at) => [at === 0 ? '- ' : '\n- ', problem]);
    super(others.length === 0 ? first : new Sentence(lines));
    this.problems = problems.map(String);
    this.#problems = problems;
  }

  /**
   * The problems with other names of options, such as flags.
   * @internal
   */
  problemsIn(naming: Naming): string[] {
    return this.#problems.map((problem) => inWords(problem, naming));
  }
}

/** A running migration can't do what it was asked for now: it has ended, or something else was decided before. */
export class MigrationStateError extends FakedirtyError {
  override readonly name = 'MigrationStateError';
  override readonly code = 'ERR_MIGRATION_STATE';
}

/** A policy returned something other than a decision. */
export class PolicyDecisionError extends FakedirtyError {
  override readonly name = 'PolicyDecisionError';
  override readonly code = 'ERR_POLICY_DECISION';
}

/** A migration is no longer watched because `stop()` was called. */
export class WatchStoppedError extends FakedirtyError {
  override readonly name = 'WatchStoppedError';
  override readonly code = 'ERR_WATCH_STOPPED';
}
