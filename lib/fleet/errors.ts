// What can go wrong with the moves of a site.
import { FakedirtyError } from '../errors/error.js';

/** A step of a move could not be done. The move is looked at anew: it may have been done all the same. */
export class ActError extends FakedirtyError {
  override readonly name: string = 'ActError';
  override readonly code = 'ERR_ACT';
}

/** QEMU refused a step of a move, or was never asked: it was not done, and will not be. */
export class ActRefusedError extends FakedirtyError {
  override readonly name = 'ActRefusedError';
  override readonly code = 'ERR_ACT_REFUSED';
}

/** What was decided could not be written down, and so was not carried out. */
export class FleetWriteError extends FakedirtyError {
  override readonly name = 'FleetWriteError';
  override readonly code = 'ERR_FLEET_WRITE';
}

/** The journal of a site cannot be read, or says something that can't be. */
export class FleetJournalError extends FakedirtyError {
  override readonly name = 'FleetJournalError';
  override readonly code = 'ERR_FLEET_JOURNAL';
}

/** Another process moves the VMs of this site. */
export class FleetBusyError extends FakedirtyError {
  override readonly name = 'FleetBusyError';
  override readonly code = 'ERR_FLEET_BUSY';
}

/** What is asked for does not fit what is under way. */
export class FleetStateError extends FakedirtyError {
  override readonly name = 'FleetStateError';
  override readonly code = 'ERR_FLEET_STATE';
}

/** VMs cannot be moved as asked. Nothing was moved. */
export class PreflightError extends FakedirtyError {
  override readonly name = 'PreflightError';
  override readonly code = 'ERR_PREFLIGHT';

  constructor(
    /** What is in the way, a line each. */
    readonly problems: readonly string[],
  ) {
    super(`Nothing was moved:\n${problems.map((text) => `  ${text}`).join('\n')}`);
  }
}
