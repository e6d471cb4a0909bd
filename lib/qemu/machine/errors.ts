// The errors of QEMUs that this package starts, and of the guests in them.
import { FakedirtyError } from '../../errors/error.js';
import { endText, type ProcessEnd } from '../../system/processes.js';

/** A QEMU ended, or did not start. */
export class QemuEndedError extends FakedirtyError implements ProcessEnd {
  override readonly name = 'QemuEndedError';
  override readonly code = 'ERR_QEMU_ENDED';
  /** Its exit code; null: a signal ended it. */
  readonly exitCode: number | null;
  /** The signal that ended it; null: it ended by itself. */
  readonly signal: NodeJS.Signals | null;
  /** The end of what it wrote. */
  readonly output: string;

  constructor(what: string, end: ProcessEnd & { readonly output: string }) {
    super(`${what} (${endText(end)}). It said: ${end.output || 'nothing'}`);
    this.exitCode = end.exitCode;
    this.signal = end.signal;
    this.output = end.output;
  }
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
