// A QMP connection: commands and their answers, matched by id, and events.
import { createConnection, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { z } from 'zod';
import { QmpClosedError, QmpCommandError, QmpProtocolError, QmpTimeoutError } from './errors.js';
import { EventStream } from './event-stream.js';
import { parseMessage, type QmpGreeting } from './messages.js';

const defaultTimeoutMs = 60_000;

export interface ExecuteOptions {
  /** Answered even while another command runs; few commands may be (migrate-pause, for one). */
  readonly outOfBand?: boolean;
  /** How long QEMU may take to answer. */
  readonly timeoutMs?: number;
}

export interface ClientOptions {
  readonly timeoutMs?: number;
  /** Told of what nobody waits for, such as the late answer to a command that timed out. */
  readonly onStray?: (line: string) => void;
}

interface Pending {
  readonly command: string;
  readonly commandArguments: object | undefined;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

export class QmpClient {
  readonly #socket: Socket;
  readonly #options: ClientOptions;
  readonly #pending = new Map<number, Pending>();
  readonly #streams = new Set<EventStream>();
  #lastId = 0;
  #greeting: QmpGreeting | undefined;
  #onGreeting: ((greeting: QmpGreeting) => void) | undefined;
  #failure: Error | undefined;
  readonly #closed: Promise<void>;

  private constructor(socket: Socket, options: ClientOptions) {
    this.#socket = socket;
    this.#options = options;
    // An error is always followed by close, which tells everybody who waits.
    socket.on('error', (error) => {
      this.#failure ??= new QmpClosedError(`The QMP connection failed: ${error.message}`);
    });
    // readline repeats the socket's errors.
    createInterface({ input: socket })
      .on('line', (line) => this.#receive(line))
      .on('error', () => {});
    this.#closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#endAll();
        resolve();
      });
    });
  }

  /** Connects to a UNIX socket on which QEMU listens. */
  static async connect(path: string, options: ClientOptions = {}): Promise<QmpClient> {
    const socket = createConnection({ path });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', (error) =>
        reject(new QmpClosedError(`There is no QMP at ${path}: ${error.message}`)),
      );
    });
    return QmpClient.over(socket, options);
  }

  /** Takes over a connected socket: waits for the greeting and negotiates capabilities. */
  static async over(socket: Socket, options: ClientOptions = {}): Promise<QmpClient> {
    const client = new QmpClient(socket, options);
    try {
      const { capabilities } = await client.#greeted();
      const enable = capabilities.filter((name) => name === 'oob');
      await client.execute('qmp_capabilities', enable.length > 0 ? { enable } : undefined);
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

  /** Resolves when the connection is gone, whoever closed it. */
  get closed(): Promise<void> {
    return this.#closed;
  }

  /** Runs a command; answers what QEMU returns. */
  execute(
    command: string,
    commandArguments?: object,
    { outOfBand = false, timeoutMs = this.#timeoutMs }: ExecuteOptions = {},
  ): Promise<unknown> {
    if (!this.#socket.writable) return Promise.reject(this.#closedError(`for "${command}"`));
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new QmpTimeoutError(`QEMU did not answer "${command}" within ${timeoutMs} ms.`));
      }, timeoutMs);
      this.#pending.set(id, { command, commandArguments, resolve, reject, timer });
      const key = outOfBand ? 'exec-oob' : 'execute';
      this.#socket.write(
        `${JSON.stringify({ [key]: command, arguments: commandArguments, id })}\n`,
      );
    });
  }

  /** Runs a command and checks its answer: an answer of another form is an error. */
  async query<T>(
    schema: z.ZodType<T>,
    command: string,
    commandArguments?: object,
    options?: ExecuteOptions,
  ): Promise<T> {
    const answer = await this.execute(command, commandArguments, options);
    const { success, data, error } = schema.safeParse(answer);
    if (success) return data;
    const problem = error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw new QmpProtocolError(
      `QEMU's answer to "${command}" is not what was expected (${problem.join('; ')})`,
      JSON.stringify(answer),
    );
  }

  /** Events from now on: those of the names given, or all. Close the stream when done with it. */
  events(...names: string[]): EventStream {
    const stream = new EventStream(names, (one) => this.#streams.delete(one));
    if (this.#socket.destroyed) stream.end(this.#closedError('for events'));
    else this.#streams.add(stream);
    return stream;
  }

  async close(): Promise<void> {
    this.#failure ??= new QmpClosedError('The QMP connection was closed on our side.');
    this.#socket.destroy();
    await this.#closed;
  }

  get #timeoutMs(): number {
    return this.#options.timeoutMs ?? defaultTimeoutMs;
  }

  #greeted(): Promise<QmpGreeting> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new QmpTimeoutError(`QEMU did not greet within ${this.#timeoutMs} ms.`));
      }, this.#timeoutMs);
      this.#onGreeting = (greeting) => {
        clearTimeout(timer);
        resolve(greeting);
      };
      this.#closed.then(() => {
        clearTimeout(timer);
        reject(this.#closedError('before it greeted'));
      });
    });
  }

  #receive(line: string): void {
    if (line.trim() === '') return;
    const message = parseMessage(line);
    if (!message) {
      // After one line that is no QMP nothing that follows can be trusted.
      this.#failure ??= new QmpProtocolError('This is not a message of QMP', line);
      this.#socket.destroy();
    } else if ('event' in message) {
      for (const stream of this.#streams) stream.push(message);
    } else if ('QMP' in message) {
      this.#greeting = message.QMP;
      this.#onGreeting?.(message.QMP);
    } else {
      this.#answer(message, line);
    }
  }

  #answer(
    message: { id?: unknown } & ({ return?: unknown } | { error: { class: string; desc: string } }),
    line: string,
  ): void {
    const pending = typeof message.id === 'number' ? this.#pending.get(message.id) : undefined;
    if (!pending) {
      this.#options.onStray?.(line);
      return;
    }
    this.#pending.delete(message.id as number);
    clearTimeout(pending.timer);
    if ('error' in message) {
      const { class: errorClass, desc } = message.error;
      const { command, commandArguments } = pending;
      pending.reject(new QmpCommandError(command, commandArguments, errorClass, desc));
    } else {
      pending.resolve(message.return);
    }
  }

  #closedError(when: string): Error {
    if (this.#failure instanceof QmpProtocolError) return this.#failure;
    const reason = this.#failure?.message ?? 'QEMU closed the QMP connection.';
    return new QmpClosedError(`${reason} (${when})`);
  }

  #endAll(): void {
    for (const { command, reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(this.#closedError(`while "${command}" ran`));
    }
    this.#pending.clear();
    for (const stream of this.#streams) stream.end(this.#closedError('while events were awaited'));
    this.#streams.clear();
  }
}
