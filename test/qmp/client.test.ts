import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { QmpClient } from '../../lib/qmp/client.js';
import {
  QmpClosedError,
  QmpCommandError,
  QmpProtocolError,
  QmpTimeoutError,
} from '../../lib/qmp/errors.js';

const greeting = {
  QMP: { version: { qemu: { major: 7, minor: 2, micro: 22 }, package: '' }, capabilities: ['oob'] },
};

interface Request {
  execute?: string;
  'exec-oob'?: string;
  arguments?: unknown;
  id: number;
}

/** Plays QEMU: greets, agrees to the capabilities, and leaves the rest to the test. */
class FakeQemu {
  readonly requests: Request[] = [];
  socket: Socket | undefined;
  onRequest: (request: Request) => void = () => {};

  constructor(socket: Socket, firstLine: string) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.write(`${firstLine}\n`);
    createInterface({ input: socket }).on('line', (line) => {
      const request = JSON.parse(line) as Request;
      this.requests.push(request);
      if (request.execute === 'qmp_capabilities') this.say({ return: {}, id: request.id });
      else this.onRequest(request);
    });
  }

  say(message: unknown): void {
    this.socket?.write(`${typeof message === 'string' ? message : JSON.stringify(message)}\n`);
  }

  event(event: string, data = {}): void {
    this.say({ event, data, timestamp: { seconds: 1, microseconds: 2 } });
  }
}

let directory: string;
let path: string;
let server: Server;
let qemu: FakeQemu;
let firstLine: string;
const clients: QmpClient[] = [];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
  path = join(directory, 'qmp');
  firstLine = JSON.stringify(greeting);
  server = createServer((socket) => {
    qemu = new FakeQemu(socket, firstLine);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  await new Promise((resolve) => server.close(resolve));
  rmSync(directory, { recursive: true });
});

async function connect(options = {}): Promise<QmpClient> {
  const client = await QmpClient.connect(path, options);
  clients.push(client);
  return client;
}

describe('a QMP client', () => {
  it('takes the greeting and negotiates out-of-band commands', async () => {
    const client = await connect();
    expect(client.greeting.version.qemu.minor).toBe(2);
    expect(qemu.requests[0]).toMatchObject({
      execute: 'qmp_capabilities',
      arguments: { enable: ['oob'] },
    });
  });

  it('gives each answer to the command with its id, in whatever order they come', async () => {
    const client = await connect();
    const answers = new Map<string, number>();
    qemu.onRequest = ({ execute, 'exec-oob': oob, id }) => {
      answers.set(execute ?? oob ?? '', id);
      if (answers.size < 2) return;
      qemu.say({ return: 'second', id: answers.get('two') });
      qemu.say({ return: 'first', id: answers.get('one') });
    };
    const one = client.execute('one', { a: 1 });
    const two = client.execute('two', undefined, { outOfBand: true });
    expect(await Promise.all([one, two])).toEqual(['first', 'second']);
    expect(qemu.requests.slice(1)).toMatchObject([
      { execute: 'one', arguments: { a: 1 } },
      { 'exec-oob': 'two' },
    ]);
  });

  it('turns a refusal into an error that says what was asked and what was answered', async () => {
    const client = await connect();
    qemu.onRequest = ({ id }) =>
      qemu.say({ error: { class: 'GenericError', desc: 'no such thing' }, id });
    const error = await client.execute('migrate', { uri: 'x' }).catch((caught) => caught);
    expect(error).toBeInstanceOf(QmpCommandError);
    expect(error).toMatchObject({
      command: 'migrate',
      commandArguments: { uri: 'x' },
      errorClass: 'GenericError',
      description: 'no such thing',
    });
  });

  it('refuses an answer that does not have the form that was asked for', async () => {
    const client = await connect();
    qemu.onRequest = ({ id }) => qemu.say({ return: { status: 5 }, id });
    const schema = z.object({ status: z.string() });
    await expect(client.query(schema, 'query-status')).rejects.toThrow(QmpProtocolError);
    await expect(client.query(schema, 'query-status')).rejects.toThrow(/query-status.*status/s);
  });

  it('gives up when no answer comes in time, and tells of the late one', async () => {
    let onStray = (_line: string) => {};
    const stray = new Promise<string>((resolve) => {
      onStray = resolve;
    });
    const client = await connect({ onStray });
    const slow = client.execute('slow', undefined, { timeoutMs: 20 });
    await expect(slow).rejects.toThrow(QmpTimeoutError);
    qemu.say({ return: 'late', id: qemu.requests.at(-1)?.id });
    expect(await stray).toContain('late');
  });

  it('rejects what is pending when QEMU goes away, and what is asked afterwards', async () => {
    const client = await connect();
    const events = client.events();
    qemu.onRequest = () => qemu.socket?.destroy();
    await expect(client.execute('quit')).rejects.toThrow(QmpClosedError);
    await expect(events.next()).rejects.toThrow(QmpClosedError);
    await client.closed;
    await expect(client.execute('stop')).rejects.toThrow(/"stop"/);
    await expect(client.events().next()).rejects.toThrow(QmpClosedError);
  });

  it.each(['{"surprise": 1}', 'SSH-2.0-OpenSSH'])('ends on %s, which is not QMP', async (line) => {
    const client = await connect();
    qemu.onRequest = () => qemu.say(line);
    await expect(client.execute('stop')).rejects.toThrow(QmpProtocolError);
    await expect(client.execute('cont')).rejects.toThrow(QmpProtocolError);
  });

  it('does not wait for ever for a greeting', async () => {
    firstLine = '';
    await expect(connect({ timeoutMs: 20 })).rejects.toThrow(/did not greet/);
  });

  it('says where it looked when nobody listens', async () => {
    await expect(QmpClient.connect(join(directory, 'none'))).rejects.toThrow(/none.*ENOENT/);
  });
});

describe('an event stream', () => {
  it('has all events from its making on, in order, and only those named', async () => {
    const client = await connect();
    qemu.onRequest = ({ id }) => {
      for (const name of ['STOP', 'MIGRATION', 'STOP', 'RESUME']) qemu.event(name);
      qemu.say({ return: {}, id });
    };
    const some = client.events('STOP', 'RESUME');
    const all = client.events();
    await client.execute('go');
    const namesOf = async (stream: typeof all, count: number) => {
      const names: string[] = [];
      for await (const { event } of stream) {
        names.push(event);
        if (names.length === count) break;
      }
      return names;
    };
    expect(await namesOf(some, 3)).toEqual(['STOP', 'STOP', 'RESUME']);
    expect(await namesOf(all, 4)).toEqual(['STOP', 'MIGRATION', 'STOP', 'RESUME']);
  });

  it('waits for the event that fits', async () => {
    const client = await connect();
    const events = client.events('MIGRATION');
    const completed = events.until(({ data: { status } }) => status === 'completed');
    qemu.event('MIGRATION', { status: 'active' });
    qemu.event('MIGRATION', { status: 'completed' });
    expect((await completed).data).toEqual({ status: 'completed' });
    events.close();
    expect(await events.next()).toEqual({ value: undefined, done: true });
  });
});
