// What can go wrong, as classes: catch FakedirtyError for all, or one of them for what it tells.
import { distance } from 'fastest-levenshtein';

/** Of all errors that this package throws on purpose. */
export class FakedirtyError extends Error {
  override readonly name: string = 'FakedirtyError';
}

/** An argument is wrong: says which, what it was, and what is accepted. */
export class OptionError extends FakedirtyError {
  override readonly name = 'OptionError';
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

/** A hasher, table or file was used after it was disposed of. */
export class DisposedError extends FakedirtyError {
  override readonly name = 'DisposedError';

  constructor(what: string) {
    super(`This ${what} has been disposed of.`);
  }
}

/** A table is asked for something while a background check of it has not ended (rule R6). */
export class BusyError extends FakedirtyError {
  override readonly name = 'BusyError';

  constructor() {
    super('A background check of this table has not ended yet: await it first.');
  }
}

/** A check can't be committed: it was, or the table has forgotten pages since. */
export class StaleCheckError extends FakedirtyError {
  override readonly name = 'StaleCheckError';
}

/** libfakedirty said no: no memory, no randomness, a table that nothing can hold. */
export class NativeError extends FakedirtyError {
  override readonly name = 'NativeError';
  /** A fakedirty_status of fakedirty.h. */
  readonly status: number;

  constructor(status: number, text: string) {
    super(text);
    this.status = status;
  }
}

/** A memory file can't be opened, or has become shorter while it was read. */
export class MemoryFileError extends FakedirtyError {
  override readonly name = 'MemoryFileError';
  readonly path: string;

  constructor(path: string, problem: string) {
    super(`${path}: ${problem}`);
    this.path = path;
  }
}

function nearestOf(given: string, accepted: readonly string[]): string | undefined {
  const plain = (name: string) => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  const begun = plain(given).length >= 3 ? plain(given) : undefined;
  const slipsTo = (name: string) =>
    begun && plain(name).startsWith(begun) ? 1 : distance(plain(given), plain(name));
  const [best] = accepted
    .map((name) => ({ name, slips: slipsTo(name) }))
    .sort((a, b) => a.slips - b.slips);
  return best && best.slips <= Math.max(1, best.name.length / 3) ? best.name : undefined;
}
