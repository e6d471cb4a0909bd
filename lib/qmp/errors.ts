// Errors of QMP connections. Each carries what was sent and what came back.
import type { ErrorCode } from '../errors/codes.js';
import { FakedirtyError } from '../errors/error.js';

const shownCharacters = 200;

/** A command as it was sent. */
export interface QmpRequest {
  /** The command's name. */
  readonly execute?: string;
  /** The command's name, if it was sent out of band. */
  readonly 'exec-oob'?: string;
  /** The command's arguments. */
  readonly arguments?: object | undefined;
  /** The number that its answer carries. */
  readonly id: number;
}

/** What an error was about. */
export interface QmpExchange {
  /** The command that was sent. */
  readonly sent?: QmpRequest | undefined;
  /** What came back. */
  readonly received?: string | undefined;
  /** The error behind this one. */
  readonly cause?: unknown;
}

/** Something went wrong between this program and a QEMU. All errors of QMP are of this class. */
export class QmpError extends FakedirtyError {
  override readonly name: string = 'QmpError';
  override readonly code: ErrorCode = 'ERR_QMP';
  /** The command that it is about, if it is about one. */
  readonly sent: QmpRequest | undefined;
  /** What came back, as it arrived; only the beginning if it was too long. */
  readonly received: string | undefined;

  constructor(message: string, { sent, received, cause }: QmpExchange = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.sent = sent;
    this.received = received;
  }
}

/** What listens there did not greet as a QEMU does. */
export class QmpGreetingError extends QmpError {
  override readonly name: string = 'QmpGreetingError';
  override readonly code: ErrorCode = 'ERR_QMP_GREETING';
}

/** QEMU does not talk to us: most likely it talks to another program. */
export class QmpBusyError extends QmpGreetingError {
  override readonly name = 'QmpBusyError';
  override readonly code = 'ERR_QMP_BUSY';
}

/** QEMU greeted, but refused to negotiate capabilities. */
export class QmpNegotiationError extends QmpError {
  override readonly name = 'QmpNegotiationError';
  override readonly code = 'ERR_QMP_NEGOTIATION';
}

/** QEMU understood the command and refused it. */
export class QmpCommandError extends QmpError {
  override readonly name = 'QmpCommandError';
  override readonly code = 'ERR_QMP_COMMAND';

  constructor(
    /** The command's name. */
    readonly command: string,
    /** The command's arguments. */
    readonly commandArguments: unknown,
    /** QEMU's class of the error; nearly always "GenericError". */
    readonly errorClass: string,
    /** QEMU's own words. */
    readonly description: string,
    exchange: QmpExchange = {},
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

/** QEMU answered in a form that was not expected. */
export class QmpProtocolError extends QmpError {
  override readonly name: string = 'QmpProtocolError';
  override readonly code: ErrorCode = 'ERR_QMP_PROTOCOL';

  constructor(problem: string, received: string, exchange: QmpExchange = {}) {
    const shown = received.slice(0, shownCharacters);
    super(`${problem}: ${shown}${shown.length < received.length ? '…' : ''}`, {
      ...exchange,
      received,
    });
  }
}

/** What arrived is not QMP: the connection is closed. */
export class QmpGarbledError extends QmpProtocolError {
  override readonly name = 'QmpGarbledError';
  override readonly code = 'ERR_QMP_GARBLED';

  constructor(received: string, exchange: QmpExchange = {}) {
    super('This is not a QMP message', received, exchange);
  }
}

/** A message is longer than the limit of this connection, which is closed. */
export class QmpOversizedError extends QmpProtocolError {
  override readonly name = 'QmpOversizedError';
  override readonly code = 'ERR_QMP_OVERSIZED';

  constructor(received: string, exchange: QmpExchange = {}) {
    super('This message is longer than the limit', received, exchange);
  }
}

/** More events came than were read: the event stream is closed. */
export class QmpEventOverflowError extends QmpProtocolError {
  override readonly name = 'QmpEventOverflowError';
  override readonly code = 'ERR_QMP_EVENT_OVERFLOW';

  constructor(maxUnread: number, received: string) {
    super(`More than ${maxUnread} events were not read; the last is`, received);
  }
}

/** The error for a command that gets no answer: `failure` closed the connection, or QEMU did. */
export function closedError(
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
