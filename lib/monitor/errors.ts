// Why a QEMU can't be measured.
import { FakedirtyError } from '../errors/error.js';

/** This QEMU, or its guest, can't be measured as asked. The guest was not disturbed. */
export class MeasurementError extends FakedirtyError {
  override readonly name = 'MeasurementError';
  override readonly code = 'ERR_MEASUREMENT';
}
