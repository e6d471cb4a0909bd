// The errors of runs: one attempt failed, or the caller has interrupted the experiment.
import { FakedirtyError } from '../../errors/error.js';
import type { Consoles } from '../model/run.js';

/** An attempt at a run failed: says why, and has the last lines of the guest's console. */
export class AttemptError extends FakedirtyError {
  override readonly name = 'AttemptError';
  override readonly code = 'ERR_ATTEMPT';

  constructor(
    message: string,
    /** The last lines of the guest's console, by the QEMU that it ran in. */
    readonly consoles: Consoles,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The experiment was interrupted by its signal. What has been measured is kept. */
export class InterruptedError extends FakedirtyError {
  override readonly name = 'InterruptedError';
  override readonly code = 'ERR_INTERRUPTED';
}
