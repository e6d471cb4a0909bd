// Calls of the addon whose failures become this package's own errors.
import { FakedirtyError } from '../errors/error.js';
import { OptionError } from '../errors/option-error.js';
import { BusyError, NativeError } from './errors.js';

interface AddonFailure extends Error {
  readonly code?: unknown;
  readonly status?: unknown;
}

/** Thrown by the addon when a mapped file has become shorter. */
export class FileShrunk extends FakedirtyError {
  override readonly name = 'FileShrunk';
  override readonly code = 'ERR_MEMORY_FILE';
}

/** For calls of a microsecond, which have no function to spare for `calling`. */
export function translated(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { code, status, message } = error as AddonFailure;
  if (code === 'LIBRARY' && typeof status === 'number') return new NativeError(status, message);
  if (code === 'OVERLAP') return new OptionError('into', message);
  if (code === 'BUSY') return new BusyError();
  // What was checked before the call is no longer so: a getter or a list of the caller has taken the memory away.
  if (code === 'MISUSE')
    return new OptionError('bytes', 'its memory was taken away while it was used');
  if (code === 'SHRUNK') return new FileShrunk(message);
  return error;
}

export function calling<Result>(call: () => Result): Result {
  try {
    return call();
  } catch (error) {
    throw translated(error);
  }
}

export async function awaiting<Result>(call: () => Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (error) {
    throw translated(error);
  }
}
