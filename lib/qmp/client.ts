// A QMP connection: commands and their answers, matched by id, and events.
import type { Duplex } from 'node:stream';
import type { z } from 'zod';
import {
  becauseClosed,
  QmpClosedError,
  QmpError,
  QmpGarbledError,
  QmpOversizedError,
  QmpProtocolError,
  type QmpRequest,
} from './errors.js';
import { EventStream } from './event-stream.js';
import { greet } from './handshake.js';
import { Lines } from './lines.js';
import { type KnownEvent, parseMessage, type QmpGreeting } from './messages.js';
import { PendingCommands } from './pending-commands.js';
import {
  type CommandArguments,
  type CommandName,
  type CommandReturn,
  returnOf,
} from './schema/commands.js';
import type { EventName } from './schema/events.js';
import { isLoopback, joined, open, type QmpAddress, type StandardStreams } from './transport.js';

const defaultTimeoutMs = 60_000;
const defaultMaxMessageBytes = 16 << 20;

export interface ExecuteOptions {
  /** Answered even while another command runs; few commands may be (migrate-pause, for one). */
  readonly outOfBand?: boolean | undefined;
  /** How long QEMU may take to answer. */
  readonly timeoutMs?: number | undefined;
  /** Stops waiting, with the signal's reason. QEMU carries out the command all the same. */
  readonly signal?: AbortSignal | undefined;
}

export interface ClientOptions {
  /** Of each command that has no other, and of the greeting; default 60 s. */
  readonly timeoutMs?: number | undefined;
  /** A longer message ends the connection; default 16 MiB. */
  readonly maxMessageBytes?: number | undefined;
  /** Told of what nobody waits for, such as the late answer to a command that timed out. */
  readonly onStray?: ((line: string) => void) | undefined;
  /** Gives up connecting and negotiating. */
  readonly signal?: AbortSignal | undefined;
}

/** What execute takes after the name: arguments may be left out where all are optional. */
type Rest<Name extends string> =
  undefined extends CommandArguments<Name>
    ? [commandArguments?: CommandArguments<Name>, options?: ExecuteOptions]
    : Record<never, never> extends CommandArguments<Name>
      ? [commandArguments?: CommandArguments<Name>, options?: ExecuteOptions]
      : [commandArguments: CommandArguments<Name>, options?: ExecuteOptions];

export class QmpClient {
  readonly #stream: Duplex;
  readonly #options: ClientOptions;
  readonly #address: QmpAddress | undefined;
  readonly #lines: Lines;
  readonly #pending = new PendingCommands();
  readonly #streams = new Set<EventStream>();
  #lastId = 0;
  #greeting: QmpGreeting | undefined;
  #onGreeting: (greeting: QmpGreeting) => void = () => {};
  #failure: QmpError | undefined;
  readonly #closed: Promise<void>;

  private constructor(stream: Duplex, options: ClientOptions, address?: QmpAddress) {
    this.#stream = stream;
    this.#options = options;
    this.#address = address;
    this.#lines = new Lines({
      maxLineBytes: options.maxMessageBytes ?? defaultMaxMessageBytes,
      onLine: (line) => this.#receive(line),
      onOversized: (line) => this.#fail(new QmpOversizedError(line)),
    });
    stream.on('data', (chunk: Buffer | string) => {
      this.#lines.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
    });
    // QEMU never closes one direction alone.
    stream.once('end', () => stream.destroy());
    // An error is always followed by close, which tells everybody who waits.
    stream.on('error', (cause) => {
      this.#failure ??= new QmpClosedError(`The QMP connection failed: ${cause.message}`, {
        cause,
      });
    });
    this.#closed = new Promise((resolve) => {
      stream.once('close', () => {
        this.#endAll();
        resolve();
      });
    });
  }

  /** Connects to a UNIX socket or a TCP port on which QEMU listens. */
  static async connect(address: QmpAddress, options: ClientOptions = {}): Promise<QmpClient> {
    const stream = await open(address, options.signal);
    return QmpClient.#negotiated(new QmpClient(stream, options, address));
  }

  /** Takes over a connected stream: waits for the greeting and negotiates capabilities. */
  static over(streams: Duplex | StandardStreams, options: ClientOptions = {}): Promise<QmpClient> {
    return QmpClient.#negotiated(new QmpClient(joined(streams), options));
  }

  static async #negotiated(client: QmpClient): Promise<QmpClient> {
    const { signal } = client.#options;
    const greeting = new Promise<QmpGreeting>((resolve) => {
      client.#onGreeting = resolve;
    });
    const closed = client.#closed.then(() => client.#closedError());
    try {
      await greet({ client, greeting, closed, timeoutMs: client.#timeoutMs, signal });
      return client;
    } catch (error) {
      await client.close();
      throw error;
    }
  }

  /** What QEMU said of itself. */
  get greeting(): QmpGreeting {
    if (!this.#greeting) throw new Error('QEMU has not greeted yet.');
    return this.#greeting;
  }

  /** Whether QEMU may run on this machine: only a TCP port can be elsewhere. */
  get isLocal(): boolean {
    return typeof this.#address !== 'object' || isLoopback(this.#address.host);
  }

  /** Resolves when the connection is gone, whoever closed it. */
  get closed(): Promise<void> {
    return this.#closed;
  }

  /** Runs a command; answers what QEMU returns, which has been checked where the command is known. */
  async execute<const Name extends CommandName | (string & Record<never, never>)>(
    command: Name,
    ...rest: Rest<Name>
  ): Promise<CommandReturn<Name>> {
    const [commandArguments, options] = rest as [object?, ExecuteOptions?];
    const answer = await this.query(returnOf(command), command, commandArguments, options);
    return answer as CommandReturn<Name>;
  }

  /** Runs a command and checks its answer: an answer of another form is an error. */
  async query<T>(
    schema: z.ZodType<T>,
    command: string,
    commandArguments?: object,
    options?: ExecuteOptions,
  ): Promise<T> {
    const { request, answer } = this.#send(command, commandArguments, options);
    const received = await answer;
    const { success, data, error } = schema.safeParse(received);
    if (success) return data;
    const problem = error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw new QmpProtocolError(
      `QEMU's answer to "${command}" is not what was expected (${problem.join('; ')})`,
      JSON.stringify(received),
      { sent: request },
    );
  }

  /** Events from now on: those of the names given, or all. Close the stream when done with it. */
  events(): EventStream;
  events<const Name extends EventName>(...names: Name[]): EventStream<KnownEvent<Name>>;
  events(...names: string[]): EventStream;
  events(...names: string[]): EventStream {
    const stream = new EventStream(names, () => this.#streams.delete(stream));
    if (this.#stream.destroyed) stream.end(this.#closedError());
    else this.#streams.add(stream);
    return stream;
  }

  /** A new connection to the same place. This one and its event streams are closed; nothing is repeated. */
  async reconnect(): Promise<QmpClient> {
    await this.close();
    if (this.#address !== undefined) return QmpClient.connect(this.#address, this.#options);
    throw new QmpError('This QMP connection was handed over: only who made it can make another.');
  }

  async close(): Promise<void> {
    this.#failure ??= new QmpClosedError('The QMP connection was closed on our side.');
    this.#lines.stop();
    this.#stream.destroy();
    await this.#closed;
  }

  get #timeoutMs(): number {
    return this.#options.timeoutMs ?? defaultTimeoutMs;
  }

  #send(command: string, commandArguments?: object, options: ExecuteOptions = {}) {
    const { outOfBand = false, timeoutMs = this.#timeoutMs, signal } = options;
    this.#lastId += 1;
    const request: QmpRequest = {
      [outOfBand ? 'exec-oob' : 'execute']: command,
      arguments: commandArguments,
      id: this.#lastId,
    };
    if (signal?.aborted) return { request, answer: Promise.reject<unknown>(signal.reason) };
    if (!this.#stream.writable) {
      const error = this.#closedError(request);
      return { request, answer: Promise.reject<unknown>(error) };
    }
    const answer = this.#pending.add(command, request, { timeoutMs, signal });
    this.#stream.write(`${JSON.stringify(request)}\n`);
    return { request, answer };
  }

  #receive(line: string): void {
    if (line.trim() === '') return;
    const message = parseMessage(line);
    if (!message) {
      // After one line that is no QMP nothing that follows can be trusted.
      this.#fail(new QmpGarbledError(line));
    } else if ('event' in message) {
      for (const stream of this.#streams) stream.push(message);
    } else if ('QMP' in message) {
      this.#greeting = message.QMP;
      this.#onGreeting(message.QMP);
    } else {
      if (!this.#pending.settle(message, line)) this.#options.onStray?.(line);
    }
  }

  #fail(failure: QmpError): void {
    this.#failure ??= failure;
    this.#lines.stop();
    this.#stream.destroy();
  }

  /** Why the connection is closed, for whoever sent that. */
  #closedError(sent?: QmpRequest): QmpError {
    return becauseClosed(this.#failure, sent, this.#lines.rest);
  }

  #endAll(): void {
    this.#pending.rejectAll((request) => this.#closedError(request));
    for (const stream of this.#streams) stream.end(this.#closedError());
    this.#streams.clear();
  }
}
