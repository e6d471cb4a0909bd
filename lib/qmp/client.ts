// A QMP connection: commands and their answers, matched by id, and events.
import type { Duplex } from 'node:stream';
import type { z } from 'zod';
import { checkOptions, optionNames } from '../errors/check-options.js';
import {
  closedError,
  QmpClosedError,
  QmpError,
  QmpGarbledError,
  QmpOversizedError,
  QmpProtocolError,
  type QmpRequest,
} from './errors.js';
import { EventStream } from './event-stream.js';
import { negotiate } from './handshake.js';
import { LineSplitter } from './lines.js';
import { type KnownEvent, parseMessage, type QmpEvent, type QmpGreeting } from './messages.js';
import { PendingCommands } from './pending-commands.js';
import {
  type CommandArguments,
  type CommandReturn,
  type QmpCommandName,
  returnOf,
} from './schema/commands.js';
import type { QmpEventName } from './schema/events.js';
import {
  checkAddress,
  formatAddress,
  isLoopback,
  open,
  type QmpAddress,
  type StandardStreams,
  toDuplex,
} from './transport.js';

const defaultTimeoutMs = 60_000;
const defaultMaxMessageBytes = 16 << 20;

/** How to execute one command. */
export interface ExecuteOptions {
  /**
   * Execute it while another command is being executed; default: false. QEMU allows that for few commands, such as
   * `migrate-pause`.
   */
  readonly outOfBand?: boolean | undefined;
  /** How long QEMU may take to answer; default: the client's `timeoutMs`. */
  readonly timeoutMs?: number | undefined;
  /** Aborting it ends the waiting, with its reason. QEMU may execute the command all the same. */
  readonly signal?: AbortSignal | undefined;
}

/** How to execute a command whose answer is checked with a schema of yours. */
export interface QueryOptions<T> extends ExecuteOptions {
  /** The form of the answer. */
  readonly schema: z.ZodType<T>;
  /** The command's arguments; default: none. */
  readonly arguments?: object | undefined;
}

/** How to connect. */
export interface ClientOptions {
  /** How long QEMU may take for its greeting, and for each command that says nothing else; default: 60,000 ms. */
  readonly timeoutMs?: number | undefined;
  /** A longer message closes the connection; default: 16 MiB. */
  readonly maxMessageBytes?: number | undefined;
  /** Is called with each answer that no command waits for, such as a late one to a command that timed out. */
  readonly onUnexpectedAnswer?: ((line: string) => void) | undefined;
  /** Whether a stream leads to a QEMU on this machine, whose files can be looked at here; default: true. */
  readonly isLocal?: boolean | undefined;
  /** Aborting it ends connecting and negotiating, with its reason. */
  readonly signal?: AbortSignal | undefined;
}

const executeNames = optionNames<ExecuteOptions>({
  outOfBand: true,
  timeoutMs: true,
  signal: true,
});
const queryNames = [...executeNames, 'schema', 'arguments'];
const clientNames = optionNames<ClientOptions>({
  timeoutMs: true,
  maxMessageBytes: true,
  onUnexpectedAnswer: true,
  isLocal: true,
  signal: true,
});

/** Takes the events of a connection, and hears of its end. */
export interface EventSink {
  push(event: QmpEvent): void;
  end(error: Error): void;
}

/** What a connection and one that outlives its socket have in common: enough to control a VM. */
export type QmpSession = Pick<
  QmpClient,
  'execute' | 'query' | 'events' | 'greeting' | 'address' | 'isLocal'
>;

/** What execute takes after the name: the arguments may be left out where all of them are optional. */
type Rest<Name extends string> =
  undefined extends CommandArguments<Name>
    ? [commandArguments?: CommandArguments<Name>, options?: ExecuteOptions]
    : Record<never, never> extends CommandArguments<Name>
      ? [commandArguments?: CommandArguments<Name>, options?: ExecuteOptions]
      : [commandArguments: CommandArguments<Name>, options?: ExecuteOptions];

/**
 * A connection to the QMP monitor of a QEMU. Commands and events that migrating and controlling a VM needs are typed,
 * and what QEMU sends is checked. With `await using`, leaving the block closes the connection.
 */
export class QmpClient implements AsyncDisposable {
  readonly #stream: Duplex;
  readonly #options: ClientOptions;
  readonly #address: QmpAddress | undefined;
  readonly #lines: LineSplitter;
  readonly #pending = new PendingCommands();
  readonly #sinks = new Set<EventSink>();
  #lastId = 0;
  #greeting: QmpGreeting | undefined;
  #onGreeting: (greeting: QmpGreeting) => void = () => {};
  #failure: QmpError | undefined;
  readonly #closed: Promise<void>;

  private constructor(stream: Duplex, options: ClientOptions, address?: QmpAddress) {
    this.#stream = stream;
    this.#options = options;
    this.#address = address;
    this.#lines = new LineSplitter({
      maxLineBytes: options.maxMessageBytes ?? defaultMaxMessageBytes,
      onLine: (line) => this.#receive(line),
      onOversized: (line) => this.#fail(new QmpOversizedError(line)),
    });
    stream.on('data', (chunk: Buffer | string) => {
      this.#lines.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
    });
    // QEMU never closes one direction alone.
    stream.once('end', () => stream.destroy());
    // An error is always followed by close, which rejects everything that waits.
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
    checkAddress(address);
    checkOptions(options, clientNames);
    const { timeoutMs = defaultTimeoutMs, signal } = options;
    const stream = await open(address, { timeoutMs, signal });
    return QmpClient.#negotiated(new QmpClient(stream, options, address));
  }

  /** Uses a connected stream, which it then owns: waits for the greeting and negotiates capabilities. */
  static async over(
    streams: Duplex | StandardStreams,
    options: ClientOptions = {},
  ): Promise<QmpClient> {
    checkOptions(options, clientNames);
    return await QmpClient.#negotiated(new QmpClient(toDuplex(streams), options));
  }

  static async #negotiated(client: QmpClient): Promise<QmpClient> {
    const { signal } = client.#options;
    const greeting = new Promise<QmpGreeting>((resolve) => {
      client.#onGreeting = resolve;
    });
    const closed = client.#closed.then(() => client.#closedError());
    try {
      await negotiate({ client, greeting, closed, timeoutMs: client.#timeoutMs, signal });
      return client;
    } catch (error) {
      await client.close();
      throw error;
    }
  }

  /** QEMU's greeting: its version and the capabilities of its QMP. */
  get greeting(): QmpGreeting {
    if (!this.#greeting) throw new Error('QEMU has not greeted yet.');
    return this.#greeting;
  }

  /** Where it is connected to, as text that `parseAddress` reads; undefined for a stream. */
  get address(): string | undefined {
    return this.#address === undefined ? undefined : formatAddress(this.#address);
  }

  /** Whether QEMU may run on this machine; false for a TCP address of another one. */
  get isLocal(): boolean {
    if (this.#address === undefined) return this.#options.isLocal ?? true;
    return typeof this.#address !== 'object' || isLoopback(this.#address.host);
  }

  /** Resolves when the connection is closed, by whichever side. */
  get closed(): Promise<void> {
    return this.#closed;
  }

  /**
   * Executes a command and returns QEMU's answer, which has been checked if it is one of `QmpCommands`, and is `unknown`
   * otherwise. Throws QmpCommandError when QEMU refuses the command, and other QmpErrors when the connection fails.
   */
  async execute<const Name extends QmpCommandName | (string & Record<never, never>)>(
    command: Name,
    ...rest: Rest<Name>
  ): Promise<CommandReturn<Name>> {
    const [commandArguments, options = {}] = rest as [object?, ExecuteOptions?];
    checkOptions(options, executeNames);
    const schema = returnOf(command);
    const answer = await this.query(command, { ...options, schema, arguments: commandArguments });
    return answer as CommandReturn<Name>;
  }

  /** Executes a command and checks its answer: one of another form is a QmpProtocolError. */
  async query<T>(command: string, options: QueryOptions<T>): Promise<T> {
    checkOptions(options, queryNames);
    const { schema, arguments: commandArguments, ...limits } = options;
    const { request, answer } = this.#send(command, commandArguments, limits);
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

  /**
   * The events from now on: those of the names given, or all. Call it before the command whose events you want. Close the
   * stream when you are done with it, or bind it with `using`.
   */
  events(): EventStream;
  events<const Name extends QmpEventName>(...names: Name[]): EventStream<KnownEvent<Name>>;
  events(...names: string[]): EventStream;
  events(...names: string[]): EventStream {
    const stream = new EventStream(names, () => this.#sinks.delete(stream));
    this.sendEventsTo(stream);
    return stream;
  }

  /** @internal Sends all events from now on there; the function returned stops that. */
  sendEventsTo(sink: EventSink): () => void {
    if (this.#stream.destroyed) sink.end(this.#closedError());
    else this.#sinks.add(sink);
    return () => this.#sinks.delete(sink);
  }

  /**
   * Closes this connection and its event streams, and returns a new client of the same address, with the same options
   * but for those given. Nothing is sent again.
   */
  async reconnect(options: ClientOptions = {}): Promise<QmpClient> {
    checkOptions(options, clientNames);
    await this.close();
    if (this.#address !== undefined) {
      return QmpClient.connect(this.#address, { ...this.#options, ...options });
    }
    throw new QmpError(
      'This QMP connection was made from a stream: only whoever made that can make another.',
    );
  }

  /** Closes the connection; commands that wait are rejected with QmpClosedError. */
  async close(): Promise<void> {
    // One that QEMU has closed already was not closed by us.
    if (!this.#stream.destroyed) {
      this.#failure ??= new QmpClosedError('The QMP connection was closed on our side.');
    }
    this.#lines.stop();
    this.#stream.destroy();
    await this.#closed;
  }

  /** Closes the connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
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
      // After a line that is not QMP, nothing that follows can be trusted.
      this.#fail(new QmpGarbledError(line));
    } else if ('event' in message) {
      for (const sink of this.#sinks) sink.push(message);
    } else if ('QMP' in message) {
      this.#greeting = message.QMP;
      this.#onGreeting(message.QMP);
    } else {
      if (!this.#pending.settle(message, line)) this.#options.onUnexpectedAnswer?.(line);
    }
  }

  #fail(failure: QmpError): void {
    this.#failure ??= failure;
    this.#lines.stop();
    this.#stream.destroy();
  }

  /** Why that command gets no answer. */
  #closedError(sent?: QmpRequest): QmpError {
    return closedError(this.#failure, sent, this.#lines.rest);
  }

  #endAll(): void {
    this.#pending.rejectAll((request) => this.#closedError(request));
    const sinks = [...this.#sinks];
    this.#sinks.clear();
    for (const sink of sinks) sink.end(this.#closedError());
  }
}
