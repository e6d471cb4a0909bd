// A QMP session that survives its socket: when the connection breaks, it reconnects, and repeats the pending commands that
// may be executed twice. A restarted proxy or a garbled line must not end the control of a running VM.
import { setTimeout as pause } from 'node:timers/promises';
import type { QmpClient, QmpSession } from './client.js';
import {
  QmpBusyError,
  QmpClosedError,
  QmpError,
  QmpGarbledError,
  QmpOversizedError,
  QmpTimeoutError,
} from './errors.js';
import { EventStream } from './event-stream.js';
import type { QmpEvent } from './messages.js';

/** A QEMU that can't be connected to for that long has ended. */
const refusedMs = 500;
/** One that takes a connection and says nothing is alive: while it stops its guest, it talks to nobody. */
const silentMs = 600_000;
const connectMs = 10_000;
const minPauseMs = 20;
const maxPauseMs = 500;

/** Asked again, these would do a second time what the first time may have done. */
const onceOnly: readonly string[] = ['migrate', 'migrate-incoming', 'migrate-recover'];

/** The connection is gone: nothing will be answered on it. */
function isBroken(error: unknown): boolean {
  return [QmpClosedError, QmpGarbledError, QmpOversizedError].some((kind) => error instanceof kind);
}

/** A connection to a QMP that is made again when it breaks. */
export class LastingQmp implements QmpSession, AsyncDisposable {
  readonly #given: QmpClient;
  #client: QmpClient;
  #connecting: Promise<void> | undefined;
  readonly #streams = new Set<EventStream>();
  #isClosed = false;
  #unfollow = () => {};
  /** Is called when the connection was made again: events may have been missed. */
  onReconnect = () => {};

  /** The client stays its owner's; one that replaces it is closed with this. */
  constructor(client: QmpClient) {
    this.#given = client;
    this.#client = client;
    this.#follow(client);
  }

  get greeting() {
    return this.#client.greeting;
  }

  get isLocal(): boolean {
    return this.#client.isLocal;
  }

  get address(): string | undefined {
    return this.#client.address;
  }

  /** Executes a command, over another connection if this one breaks; throws when QEMU can't be reached any more. */
  readonly execute = ((command: string, ...rest: []) =>
    this.#lasting(command, (client) => client.execute(command, ...rest))) as QmpClient['execute'];

  /** The same for a command whose answer has a schema of its own. */
  readonly query = ((command, options) =>
    this.#lasting(command, (client) => client.query(command, options))) as QmpClient['query'];

  /** Events over all connections. Those of the time between two connections are missing. */
  readonly events = ((...names: string[]): EventStream => {
    const stream = new EventStream(names, () => this.#streams.delete(stream));
    this.#streams.add(stream);
    return stream;
  }) as QmpClient['events'];

  /** Ends all event streams, and closes the connection if it is not the one that was given. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#unfollow();
    this.#endStreams();
    if (this.#client !== this.#given) await this.#client.close();
  }

  async #lasting<T>(command: string, ask: (client: QmpClient) => Promise<T>): Promise<T> {
    const giveUpAt = performance.now() + silentMs;
    for (;;) {
      const client = this.#client;
      try {
        return await ask(client);
      } catch (error) {
        const isLate = error instanceof QmpTimeoutError;
        if (isLate && performance.now() > giveUpAt) throw error;
        if (!isLate && !isBroken(error)) throw error;
        if (!isLate) await this.#replace(client, error);
        if (onceOnly.includes(command)) throw error;
      }
    }
  }

  #follow(client: QmpClient): void {
    this.#unfollow = client.sendEventsTo({
      push: (event: QmpEvent) => {
        for (const stream of this.#streams) stream.push(event);
      },
      end: (error) => {
        if (this.#isClosed) return;
        this.#replace(client, error).catch((lost: Error) => this.#endStreams(lost));
      },
    });
  }

  #endStreams(error?: Error): void {
    for (const stream of [...this.#streams]) stream.end(error);
    this.#streams.clear();
  }

  /** Makes the connection again, unless that has been done; throws why the old one broke if it can't be made. */
  async #replace(broken: QmpClient, error: unknown): Promise<void> {
    if (this.#client !== broken) return;
    this.#connecting ??= this.#connect(error).finally(() => {
      this.#connecting = undefined;
    });
    await this.#connecting;
  }

  async #connect(broken: unknown): Promise<void> {
    const beganMs = performance.now();
    for (let pauseMs = minPauseMs; ; pauseMs = Math.min(maxPauseMs, pauseMs * 2)) {
      try {
        const client = await this.#client.reconnect({ timeoutMs: connectMs, signal: undefined });
        if (this.#isClosed) {
          await client.close();
          throw broken;
        }
        this.#client = client;
        break;
      } catch (error) {
        if (!(error instanceof QmpError)) throw error;
        const limitMs = error instanceof QmpBusyError ? silentMs : refusedMs;
        if (this.#isClosed || performance.now() - beganMs > limitMs) throw broken;
      }
      await pause(pauseMs);
    }
    this.#follow(this.#client);
    this.onReconnect();
  }
}
