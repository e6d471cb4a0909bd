// What keeps a migration from beginning. How one ended is no error but its result.
import { FakedirtyError } from '../errors/error.js';

/** Something that was asked for can't be had; nothing has been touched. */
export class MigrationRefusedError extends FakedirtyError {
  override readonly name = 'MigrationRefusedError';
  override readonly code = 'ERR_MIGRATION_REFUSED';

  constructor(
    /** Each says what is wrong, what was expected, and what to do. */
    readonly problems: readonly string[],
  ) {
    super(problems.length === 1 ? problems[0] : problems.map((text) => `- ${text}`).join('\n'));
  }
}
