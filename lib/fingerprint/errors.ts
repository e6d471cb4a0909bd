// What can go wrong with hashers, tables and memory files.
import { FakedirtyError } from '../errors/error.js';

/** A hasher, table or memory file was used after it had been disposed of. */
export class DisposedError extends FakedirtyError {
  override readonly name = 'DisposedError';
  override readonly code = 'ERR_DISPOSED';

  constructor(what: string) {
    super(`This ${what} has been disposed of.`);
  }
}

/** A table was used while a background check of it was under way (rule R6): await that first. */
export class BusyError extends FakedirtyError {
  override readonly name = 'BusyError';
  override readonly code = 'ERR_BUSY';

  constructor() {
    super('A background check of this table has not ended yet: await it first.');
  }
}

/** A check can't be committed: it was committed before, or its table was invalidated or reset since. */
export class StaleCheckError extends FakedirtyError {
  override readonly name = 'StaleCheckError';
  override readonly code = 'ERR_STALE_CHECK';
}

/** libfakedirty failed: there is no memory or no randomness, or a table would be too large. */
export class NativeError extends FakedirtyError {
  override readonly name = 'NativeError';
  override readonly code = 'ERR_NATIVE';
  /** The `fakedirty_status` of fakedirty.h. */
  readonly status: number;

  constructor(status: number, text: string) {
    super(text);
    this.status = status;
  }
}

/** A memory file can't be opened, or became shorter while it was read. */
export class MemoryFileError extends FakedirtyError {
  override readonly name = 'MemoryFileError';
  override readonly code = 'ERR_MEMORY_FILE';
  /** The path of the file. */
  readonly path: string;

  constructor(path: string, problem: string) {
    super(`${path}: ${problem}`);
    this.path = path;
  }
}
