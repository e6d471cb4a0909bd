// What a result says of why the caller cancelled its migration.
import { FakedirtyError } from '../errors/error.js';
import { messageOf } from '../errors/message-of.js';

/** Aborts the signal of a migration with a sentence of its own, which becomes the reason as it is. */
export class CancelReason extends FakedirtyError {
  override readonly name = 'CancelReason';
  override readonly code = 'ERR_CANCELLED';
}

/** A signal that was aborted without a reason has one of Node's, which says nothing. */
function isNoReason(reason: unknown): boolean {
  return reason === undefined || (reason instanceof DOMException && reason.name === 'AbortError');
}

/** The reason of a migration that its caller cancelled, from what the caller gave as one. */
export function callersReason(given: unknown): string {
  if (given instanceof CancelReason) return given.message;
  return isNoReason(given)
    ? 'The caller cancelled it.'
    : `The caller cancelled it: ${messageOf(given)}`;
}
