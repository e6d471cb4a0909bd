// The error of guests and of what runs in them.
import { FakedirtyError } from '../../errors/error.js';

/** A guest, or what runs in it, said something unexpected, or nothing. */
export class GuestError extends FakedirtyError {
  override readonly name = 'GuestError';
  override readonly code = 'ERR_GUEST';
}
