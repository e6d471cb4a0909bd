// What can go wrong between us and a QEMU. Each error carries what was sent and what came back.
import type { ErrorCode } from '../errors/codes.js';
import { FakedirtyError } from '../errors/error.js';

const shownCharacters = 200;

/** A command as it went out. */
export interface QmpRequest {
  readonly execute?: string;
  readonly 'exec-oob'?: string;
  readonly arguments?: object | undefined;
  readonly id: number;
}

export interface Exchange {
  readonly sent?: QmpRequest | undefined;
  readonly received?: string | undefined;
  readonly cause?: unknown;
}

/** Any error of this folder. */
export class QmpError extends FakedirtyError {
  override readonly name: string = 'QmpError';
  override readonly code: ErrorCode = 'ERR_QMP';
  /** The command that this is about, if it is about one. */
  readonly sent: QmpRequest | undefined;
  /** What came back, as it came; the beginning of it if it was oversized. */
  readonly received: string | undefined;

  constructor(message: string, { sent, received, cause }: Exchange = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.sent = sent;
    this.received = received;
  }
}

/** Whoever listens there did not greet as a QEMU does. */
export class QmpGreetingError extends QmpError {
  override readonly name = 'QmpGreetingError';
  override readonly code = 'ERR_QMP_GREETING';
}

/** QEMU greeted, but would not leave its capabilities negotiation. */
export class QmpNegotiationError extends QmpError {
  override readonly name = 'QmpNegotiationError';
  override readonly code = 'ERR_QMP_NEGOTIATION';
}

/** QEMU understood the command and refused it. */
export class QmpCommandError extends QmpError {
  override readonly name = 'QmpCommandError';
  override readonly code = 'ERR_QMP_COMMAND';

  constructor(
    readonly command: string,
    readonly commandArguments: unknown,
    /** QEMU's class of the error; nearly always "GenericError". */
    readonly errorClass: string,
    readonly description: string,
    exchange: Exchange = {},
  ) {
    super(`QEMU refused "${command}": ${description}`, exchange);
  }
}

/** This is not a QMP address. */
export class QmpAddressError extends QmpError {
  override readonly name = 'QmpAddressError';
  override readonly code = 'ERR_QMP_ADDRESS';
}

/** The connection ended, or never began: what was asked will not be answered. */
export class QmpClosedError extends QmpError {
  override readonly name = 'QmpClosedError';
  override readonly code = 'ERR_QMP_CLOSED';
}

/** QEMU did not answer in time. The command may have been carried out all the same. */
export class QmpTimeoutError extends QmpError {
  override readonly name = 'QmpTimeoutError';
  override readonly code = 'ERR_QMP_TIMEOUT';
}

/** Something came that is not what was expected. */
export class QmpProtocolError extends QmpError {
  override readonly name: string = 'QmpProtocolError';
  override readonly code: ErrorCode = 'ERR_QMP_PROTOCOL';

  constructor(problem: string, received: string, exchange: Exchange = {}) {
    const shown = received.slice(0, shownCharacters);
    super(`${problem}: ${shown}${shown.length < received.length ? '…' : ''}`, {
      ...exchange,
      received,
    });
  }
}

/** Something came that is not QMP: the connection is given up. */
export class QmpGarbledError extends QmpProtocolError {
  override readonly name = 'QmpGarbledError';
  override readonly code = 'ERR_QMP_GARBLED';

  constructor(received: string, exchange: Exchange = {}) {
    super('This is not a message of QMP', received, exchange);
  }
}

/** A message is longer than any of QEMU's: the connection is given up. */
export class QmpOversizedError extends QmpProtocolError {
  override readonly name = 'QmpOversizedError';
  override readonly code = 'ERR_QMP_OVERSIZED';

  constructor(received: string, exchange: Exchange = {}) {
    super('This message is longer than is accepted', received, exchange);
  }
}

/** More events came than were read: the event stream is given up. */
export class QmpUnreadError extends QmpProtocolError {
  override readonly name = 'QmpUnreadError';
  override readonly code = 'ERR_QMP_UNREAD';

  constructor(most: number, received: string) {
    super(`More than ${most} events wait, and nobody reads them; the last`, received);
  }
}

/** Why whoever sent that gets no answer: `failure` closed the connection, or QEMU did. */
export function becauseClosed(
  failure: QmpError | undefined,
  sent: QmpRequest | undefined,
  unfinished: string,
): QmpError {
  const received = failure?.received ?? (unfinished || undefined);
  const exchange = { sent, received, cause: failure?.cause };
  if (failure instanceof QmpOversizedError) return new QmpOversizedError(received ?? '', exchange);
  if (failure instanceof QmpGarbledError) return new QmpGarbledError(received ?? '', exchange);
  const reason = failure?.message ?? 'QEMU closed the QMP connection.';
  const command = sent?.execute ?? sent?.['exec-oob'];
  const what = command === undefined ? '' : ` "${command}" gets no answer.`;
  return new QmpClosedError(`${reason}${what}`, exchange);
}
