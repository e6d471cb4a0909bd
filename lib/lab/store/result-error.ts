// The error of folders of results.
import { FakedirtyError } from '../../errors/error.js';

/** A folder of results cannot be read or written, or holds something else. */
export class ResultError extends FakedirtyError {
  override readonly name = 'ResultError';
  override readonly code = 'ERR_RESULTS';
}
