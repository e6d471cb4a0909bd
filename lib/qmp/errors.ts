// What can go wrong between us and a QEMU. Each error carries what was sent and what came back.

/** Any error of this folder. */
export class QmpError extends Error {
  override readonly name: string = 'QmpError';
}

/** QEMU understood the command and refused it. */
export class QmpCommandError extends QmpError {
  override readonly name = 'QmpCommandError';

  constructor(
    readonly command: string,
    readonly commandArguments: unknown,
    /** QEMU's class of the error; nearly always "GenericError". */
    readonly errorClass: string,
    readonly description: string,
  ) {
    super(`QEMU refused "${command}": ${description}`);
  }
}

/** The connection ended, or never began: what was asked will not be answered. */
export class QmpClosedError extends QmpError {
  override readonly name = 'QmpClosedError';
}

/** QEMU did not answer in time. */
export class QmpTimeoutError extends QmpError {
  override readonly name = 'QmpTimeoutError';
}

/** Something came that is not QMP. */
export class QmpProtocolError extends QmpError {
  override readonly name = 'QmpProtocolError';

  constructor(
    problem: string,
    readonly received: string,
  ) {
    super(`${problem}: ${received.slice(0, 200)}`);
  }
}
