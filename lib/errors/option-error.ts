// An argument that is wrong: which, what it was, what is accepted, and what was probably meant.
import { FakedirtyError } from './error.js';
import { nearestOf } from './nearest.js';

/** An argument is wrong: says which, what it was, and what is accepted. */
export class OptionError extends FakedirtyError {
  override readonly name = 'OptionError';
  override readonly code = 'ERR_OPTION';
  /** The option's name, with a path for what lies deeper. */
  readonly option: string;
  /** The values to choose from, where they can be counted. */
  readonly accepted: readonly string[] | undefined;
  /** The accepted value that looks most like the one given, when it looks like a slip. */
  readonly nearest: string | undefined;

  constructor(option: string, problem: string, value?: unknown, accepted?: readonly string[]) {
    const nearest = typeof value === 'string' && accepted ? nearestOf(value, accepted) : undefined;
    const among = accepted ? `; one of ${accepted.join(', ')}` : '';
    const hint = nearest === undefined ? '' : `. Did you mean '${nearest}'?`;
    super(`${option}: ${problem}${among}${hint}`);
    this.option = option;
    this.accepted = accepted;
    this.nearest = nearest;
  }
}
