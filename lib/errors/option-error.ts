// The error for a wrong argument: which one, what it was, what is accepted, and what was probably meant.
import { FakedirtyError } from './error.js';
import { nearestOf } from './nearest.js';
import { option as named, sentence, type Words } from './wording.js';

/** An argument or option is wrong. The message says which, what it was, and what is accepted. */
export class OptionError extends FakedirtyError {
  override readonly name = 'OptionError';
  override readonly code = 'ERR_OPTION';
  /** The name of the option; for one inside another, a path such as `filter.hash`. */
  readonly option: string;
  /** The accepted values, where there are few. */
  readonly accepted: readonly string[] | undefined;
  /** The accepted value that was probably meant, when the one given looks misspelt. */
  readonly nearest: string | undefined;

  constructor(option: string, problem: Words, value?: unknown, accepted?: readonly string[]) {
    const nearest = typeof value === 'string' && accepted ? nearestOf(value, accepted) : undefined;
    const among = accepted ? `; one of ${accepted.join(', ')}` : '';
    const hint = nearest === undefined ? '' : `. Did you mean '${nearest}'?`;
    super(sentence`${named(option)}: ${problem}${among}${hint}`);
    this.option = option;
    this.accepted = accepted;
    this.nearest = nearest;
  }
}
