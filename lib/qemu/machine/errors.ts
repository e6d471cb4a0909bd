// The errors of QEMUs that this package starts, and of the guests in them.
import { FakedirtyError } from '../../errors/error.js';

/** A QEMU that was started here has ended, or did not start. */
export class QemuEndedError extends FakedirtyError {
  override readonly name = 'QemuEndedError';
  override readonly code = 'ERR_QEMU_ENDED';
}

/** A guest, or what runs in it, said something unexpected, or nothing. */
export class GuestError extends FakedirtyError {
  override readonly name = 'GuestError';
  override readonly code = 'ERR_GUEST';
}

/** The memories of two guests can't be compared: their files have different sizes, or one became shorter. */
export class MemoryComparisonError extends FakedirtyError {
  override readonly name = 'MemoryComparisonError';
  override readonly code = 'ERR_MEMORY_COMPARISON';
}
