// What can go wrong with hashers, tables and memory files.
import { FakedirtyError } from '../errors/error.js';

/** A hasher, table or file was used after it was disposed of. */
export class DisposedError extends FakedirtyError {
  override readonly name = 'DisposedError';
  override readonly code = 'ERR_DISPOSED';

  constructor(what: string) {
    super(`This ${what} has been disposed of.`);
  }
}

/** A table is asked for something while a background check of it has not ended (rule R6). */
export class BusyError extends FakedirtyError {
  override readonly name = 'BusyError';
  override readonly code = 'ERR_BUSY';

  constructor() {
    super('A background check of this table has not ended yet: await it first.');
  }
}

/** A check can't be committed: it was, or the table has forgotten pages since. */
export class StaleCheckError extends FakedirtyError {
  override readonly name = 'StaleCheckError';
  override readonly code = 'ERR_STALE_CHECK';
}

/** libfakedirty said no: no memory, no randomness, a table that nothing can hold. */
export class NativeError extends FakedirtyError {
  override readonly name = 'NativeError';
  override readonly code = 'ERR_NATIVE';
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
  override readonly code = 'ERR_MEMORY_FILE';
  readonly path: string;

  constructor(path: string, problem: string) {
    super(`${path}: ${problem}`);
    this.path = path;
  }
}
