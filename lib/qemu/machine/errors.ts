// What goes wrong with a QEMU that this package runs.
import { FakedirtyError } from '../../errors/error.js';
import { endText, type ProcessEnd } from '../../system/processes.js';

/** A QEMU ended, or did not start. */
export class QemuEndedError extends FakedirtyError implements ProcessEnd {
  override readonly name = 'QemuEndedError';
  override readonly code = 'ERR_QEMU_ENDED';
  readonly exitCode: number | null;
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
