// One side of a move: a QEMU, to which a connection is made when one is needed.
import { QmpClient } from '../../../qmp/client.js';
import { QmpTimeoutError } from '../../../qmp/errors.js';
import { LastingQmp } from '../../../qmp/lasting-qmp.js';
import type { QmpEvent } from '../../../qmp/messages.js';
import type { MigrationInfo } from '../../../qmp/schema/migration.js';
import { parseAddress } from '../../../qmp/transport.js';
import type { QemuAnswers } from './sightings.js';

const connectMs = 5000;
/** Asked again while it is silent, a QEMU has no room soon for what it is to do out of band. */
const commandMs = 60_000;

/** A connection, which is made again when it breaks. */
interface Connection {
  readonly client: QmpClient;
  readonly qmp: LastingQmp;
}

/** One side of a move. */
export class Side implements AsyncDisposable {
  readonly #address: string;
  readonly #onEvent: (event: QmpEvent | undefined) => void;
  #connection: Promise<Connection> | undefined;
  #info: MigrationInfo = {};
  #answers: Promise<QemuAnswers> | undefined;

  /** `onEvent` hears what QEMU tells by itself, and, undefined, that it is silent from now on. */
  constructor(address: string, onEvent: (event: QmpEvent | undefined) => void) {
    this.#address = address;
    this.#onEvent = onEvent;
  }

  /** Connects unless that is done; throws QmpError when nobody answers. */
  async connect(): Promise<Connection> {
    this.#connection ??= this.#open();
    const connection = this.#connection;
    try {
      return await connection;
    } catch (error) {
      if (this.#connection === connection) this.#connection = undefined;
      throw error;
    }
  }

  async #open(): Promise<Connection> {
    const signal = AbortSignal.timeout(connectMs);
    const options = { timeoutMs: commandMs, signal };
    const client = await QmpClient.connect(parseAddress(this.#address), options).catch((error) => {
      if (!signal.aborted) throw error;
      throw new QmpTimeoutError(`${this.#address} did not greet within ${connectMs} ms.`);
    });
    const qmp = new LastingQmp(client);
    this.#listen(qmp);
    return { client, qmp };
  }

  async #listen(qmp: LastingQmp): Promise<void> {
    try {
      for await (const event of qmp.events('MIGRATION', 'STOP', 'RESUME', 'SHUTDOWN')) {
        this.#onEvent(event);
      }
    } catch {
      // The connection is gone, which is told below.
    }
    this.#onEvent(undefined);
  }

  /** What it said last of its migration. */
  get lastInfo(): MigrationInfo {
    return this.#info;
  }

  /** What it says of itself; what it has been asked and has not answered is not asked again. */
  async answers(): Promise<QemuAnswers> {
    this.#answers ??= this.#ask().finally(() => {
      this.#answers = undefined;
    });
    return await this.#answers;
  }

  async #ask(): Promise<QemuAnswers> {
    const { qmp } = await this.connect();
    const [info, { status: state, running }] = await Promise.all([
      qmp.execute('query-migrate'),
      qmp.execute('query-status'),
    ]);
    this.#info = info;
    return { migration: info.status ?? 'none', state, running };
  }

  /** The next look makes another connection. */
  async disconnect(): Promise<void> {
    const connection = await this.#connection?.catch(() => undefined);
    this.#connection = undefined;
    await connection?.qmp[Symbol.asyncDispose]();
    await connection?.client.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.disconnect();
  }
}
