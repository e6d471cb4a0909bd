// Plays QEMU on a UNIX socket: greets, agrees to the capabilities, and leaves the rest to the test.
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type ClientOptions, QmpClient } from '../../lib/qmp/client.js';

export const greeting = {
  QMP: { version: { qemu: { major: 7, minor: 2, micro: 22 }, package: '' }, capabilities: ['oob'] },
};

export interface Request {
  execute?: string;
  'exec-oob'?: string;
  arguments?: unknown;
  id: number;
}

export class FakeQemu {
  readonly directory = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
  readonly path = join(this.directory, 'qmp');
  readonly requests: Request[] = [];
  /** What it says when somebody connects. */
  firstLine = JSON.stringify(greeting);
  onRequest: (request: Request) => void = () => {};
  onNegotiation: (request: Request) => void = ({ id }) => this.say({ return: {}, id });
  socket: Socket | undefined;
  readonly #server: Server;
  readonly #clients: QmpClient[] = [];

  constructor() {
    this.#server = createServer((socket) => this.#serve(socket));
  }

  listen(): Promise<void> {
    return new Promise((resolve) => this.#server.listen(this.path, resolve));
  }

  /** A client of this QEMU, closed when the test ends. */
  async connect(options: ClientOptions = {}): Promise<QmpClient> {
    const client = await QmpClient.connect(this.path, options);
    this.#clients.push(client);
    return client;
  }

  /** As if its process were killed: nobody can connect any more. */
  async end(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.socket?.destroy();
    await closed;
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    this.socket?.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
    rmSync(this.directory, { recursive: true });
  }

  say(message: unknown): void {
    this.socket?.write(`${typeof message === 'string' ? message : JSON.stringify(message)}\n`);
  }

  event(event: string, data = {}): void {
    this.say({ event, data, timestamp: { seconds: 1, microseconds: 2 } });
  }

  #serve(socket: Socket): void {
    this.socket = socket;
    socket.on('error', () => {});
    if (this.firstLine !== '') this.say(this.firstLine);
    createInterface({ input: socket })
      .on('error', () => {})
      .on('line', (line) => {
        const request = JSON.parse(line) as Request;
        this.requests.push(request);
        if (request.execute === 'qmp_capabilities') this.onNegotiation(request);
        else this.onRequest(request);
      });
  }
}
