// The error of what a Linux guest is made of.
import { FakedirtyError } from '../../errors/error.js';

/** What a Linux guest boots cannot be fetched or compiled. */
export class GuestImageError extends FakedirtyError {
  override readonly name = 'GuestImageError';
  override readonly code = 'ERR_GUEST_IMAGE';
}
