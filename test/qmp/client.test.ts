// What a client does with a QEMU that keeps to the protocol.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { QmpClient } from '../../lib/qmp/client.js';
import {
  QmpClosedError,
  QmpCommandError,
  QmpError,
  QmpProtocolError,
  QmpTimeoutError,
} from '../../lib/qmp/errors.js';
import { eventTimeMs } from '../../lib/qmp/messages.js';
import type { MigrationInfo, MigrationStatus } from '../../lib/qmp/schema/migration.js';
import { checkAddress, formatAddress, parseAddress } from '../../lib/qmp/transport.js';
import { FakeQemu, greeting } from './fake-qemu.js';

let qemu: FakeQemu;
let directory: string;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
  qemu = new FakeQemu();
  await qemu.listen();
});
afterEach(async () => {
  await qemu.close();
  rmSync(directory, { recursive: true });
});

describe('a QMP client', () => {
  it('takes the greeting and negotiates out-of-band commands', async () => {
    const client = await qemu.connect();
    expect(client.greeting.version.qemu.minor).toBe(2);
    expect(qemu.requests[0]).toMatchObject({
      execute: 'qmp_capabilities',
      arguments: { enable: ['oob'] },
    });
  });

  it('matches answers to commands by id, in whatever order they come', async () => {
    const client = await qemu.connect();
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
    const client = await qemu.connect();
    qemu.onRequest = ({ id }) =>
      qemu.say({ error: { class: 'GenericError', desc: 'no such thing' }, id });
    const error = await client.execute('migrate', { uri: 'x' }).catch((caught) => caught);
    expect(error).toBeInstanceOf(QmpCommandError);
    expect(error).toMatchObject({
      command: 'migrate',
      commandArguments: { uri: 'x' },
      errorClass: 'GenericError',
      description: 'no such thing',
      sent: { execute: 'migrate', arguments: { uri: 'x' }, id: 2 },
      received: expect.stringContaining('no such thing'),
    });
  });

  it('refuses an answer of another form than the schema', async () => {
    const client = await qemu.connect();
    qemu.onRequest = ({ id }) => qemu.say({ return: { status: 5 }, id });
    const schema = z.object({ status: z.string() });
    await expect(client.query('query-odd', { schema })).rejects.toThrow(/query-odd.*status/s);
    const error = await client.execute('query-status').catch((caught) => caught);
    expect(error).toBeInstanceOf(QmpProtocolError);
    expect(error).toMatchObject({
      message: expect.stringMatching(/query-status.*running/),
      sent: { execute: 'query-status' },
      received: '{"status":5}',
    });
  });

  it('times out when no answer comes, and hands over the late answer', async () => {
    let onUnexpectedAnswer = (_line: string) => {};
    const stray = new Promise<string>((resolve) => {
      onUnexpectedAnswer = resolve;
    });
    const client = await qemu.connect({ onUnexpectedAnswer });
    const slow = client.execute('slow', undefined, { timeoutMs: 20 });
    const error = await slow.catch((caught) => caught);
    expect(error).toBeInstanceOf(QmpTimeoutError);
    expect(error).toMatchObject({ sent: { execute: 'slow' } });
    qemu.say({ return: 'late', id: qemu.requests.at(-1)?.id });
    expect(await stray).toContain('late');
  });

  it('stops waiting when its signal is aborted, with the reason of the signal, and remains usable', async () => {
    const client = await qemu.connect();
    const controller = new AbortController();
    const options = { signal: controller.signal };
    const slow = client.execute('slow', undefined, options);
    controller.abort(new Error('enough'));
    await expect(slow).rejects.toThrow('enough');
    await expect(client.execute('never-sent', undefined, options)).rejects.toThrow('enough');
    qemu.onRequest = ({ id }) => qemu.say({ return: 'here', id });
    expect(await client.execute('quick')).toBe('here');
    expect(qemu.requests.map(({ execute }) => execute)).not.toContain('never-sent');
  });

  it('rejects pending and later commands when QEMU closes the connection', async () => {
    const client = await qemu.connect();
    const events = client.events();
    qemu.onRequest = () => qemu.socket?.destroy();
    const error = await client.execute('quit').catch((caught) => caught);
    expect(error).toBeInstanceOf(QmpClosedError);
    expect(error).toMatchObject({ sent: { execute: 'quit' } });
    await expect(events.next()).rejects.toThrow(QmpClosedError);
    await client.closed;
    await expect(client.execute('stop')).rejects.toThrow(/"stop"/);
    await expect(client.events().next()).rejects.toThrow(QmpClosedError);
  });

  it('names the address when nobody listens there', async () => {
    const nowhere = join(qemu.directory, 'none');
    await expect(QmpClient.connect(nowhere)).rejects.toThrow(/none.*ENOENT/);
  });

  it.each([
    ['a file', () => join(directory, 'vm.raw')],
    ['a folder', () => directory],
  ])('says that what it is given is %s, not a socket', async (what, path) => {
    writeFileSync(join(directory, 'vm.raw'), '');
    const error = await QmpClient.connect(path()).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(QmpClosedError);
    expect(error.message).toContain(`There is no QMP at ${path()}: it is ${what}, not a socket.`);
    expect(error.message).not.toMatch(/ECONN/);
  });

  it('says that no program listens at a socket that was left behind', async () => {
    const socket = join(directory, 'left.sock');
    // Killed, so that it can't remove its socket.
    const program = `require('node:net').createServer().listen('${socket}', () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['--eval', program]);
    await expect(QmpClient.connect(socket)).rejects.toThrow(/no program listens at this socket/);
  });

  it('reconnects only when asked to', async () => {
    const client = await qemu.connect();
    qemu.socket?.destroy();
    await client.closed;
    expect(qemu.requests).toHaveLength(1);
    const again = await client.reconnect();
    qemu.onRequest = ({ id }) => qemu.say({ return: 'here', id });
    expect(await again.execute('anything')).toBe('here');
    await again.close();
  });

  it('does not reconnect a stream that it was given', async () => {
    const handed = await QmpClient.over((await openTcp()).socket);
    await expect(handed.reconnect()).rejects.toThrow(/made from a stream/);
  });

  /** A TCP port that greets and agrees to everything. */
  async function openTcp() {
    const server = createServer((peer) => {
      peer.on('error', () => {});
      peer.write(`${JSON.stringify(greeting)}\n`);
      peer.on('data', (data) => {
        const { id } = JSON.parse(String(data));
        peer.write(`${JSON.stringify({ return: {}, id })}\n`);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    return { server: server.unref(), port, socket: createConnection(port, '127.0.0.1') };
  }

  it('speaks TCP', async () => {
    const { port, socket, server } = await openTcp();
    socket.destroy();
    const client = await QmpClient.connect(parseAddress(`tcp:127.0.0.1:${port}`));
    expect(await client.execute('cont')).toEqual({});
    await client.close();
    server.close();
  });
});

describe('a QMP address', () => {
  it.each([
    ['/run/vm.qmp', '/run/vm.qmp', '/run/vm.qmp'],
    ['unix:vm.qmp', 'vm.qmp', 'vm.qmp'],
    ['tcp:host:4444', { host: 'host', port: 4444 }, 'tcp:host:4444'],
    ['tcp:[::1]:1', { host: '::1', port: 1 }, 'tcp:[::1]:1'],
    ['tcp::4444', { host: 'localhost', port: 4444 }, 'tcp:localhost:4444'],
  ])('reads "%s"', (text, address, shown) => {
    expect(parseAddress(text)).toEqual(address);
    expect(formatAddress(parseAddress(text))).toBe(shown);
    expect(parseAddress(shown)).toEqual(address);
  });

  it.each(['', 'unix:', 'tcp:', 'tcp:host', 'tcp:host:0', 'tcp:host:70000'])(
    'can not be "%s"',
    (text) => {
      expect(() => parseAddress(text)).toThrow(QmpError);
    },
  );

  it('has a port in the range of ports', () => {
    expect(() => parseAddress('tcp:host:70000')).toThrow(
      '"tcp:host:70000" has the port 70000; expected a whole number from 1 to 65535.',
    );
    expect(() => checkAddress({ host: 'host', port: 0.5 })).toThrow(
      /host 'host' has the port 0\.5/,
    );
  });
});

describe('an event stream', () => {
  it('yields the named events from its creation on, in order', async () => {
    const client = await qemu.connect();
    qemu.onRequest = ({ id }) => {
      for (const name of ['STOP', 'ODD', 'STOP', 'RESUME']) qemu.event(name);
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
    expect(await namesOf(all, 4)).toEqual(['STOP', 'ODD', 'STOP', 'RESUME']);
  });

  it('waits for an event that a test accepts', async () => {
    const client = await qemu.connect();
    const events = client.events('MIGRATION');
    const completed = events.until(({ data: { status } }) => status === 'completed');
    qemu.event('MIGRATION', { status: 'active' });
    qemu.event('MIGRATION', { status: 'completed' });
    const { data, timestamp } = await completed;
    expect(data).toEqual({ status: 'completed' });
    expect(timestamp).toEqual({ seconds: 1, microseconds: 2 });
    events.close();
    expect(await events.next()).toEqual({ value: undefined, done: true });
  });

  it('tells when an event was sent, by the clock of QEMU', () => {
    const timestamp = { seconds: 1_700_000_000, microseconds: 250_500 };
    expect(eventTimeMs({ event: 'STOP', data: {}, timestamp })).toBe(1_700_000_000_250.5);
  });
});

describe('types', () => {
  it('cover known commands and events, and allow others', () => {
    const uses = (client: QmpClient) => ({
      info: client.execute('query-migrate'),
      odd: client.execute('x-odd', { anything: 1 }),
      events: client.events('MIGRATION', 'MIGRATION_PASS'),
      limits: client.execute('migrate-set-parameters', { 'downtime-limit': 5 }),
      // @ts-expect-error: it needs a URI
      noUri: () => client.execute('migrate'),
      // @ts-expect-error: there is no such parameter
      typo: () => client.execute('migrate-set-parameters', { 'downtime-limits': 5 }),
    });
    type Uses = ReturnType<typeof uses>;
    expectTypeOf<Awaited<Uses['info']>>().toEqualTypeOf<MigrationInfo>();
    expectTypeOf<Awaited<Uses['odd']>>().toEqualTypeOf<unknown>();
    type Event = Awaited<ReturnType<Uses['events']['until']>>;
    type Data<Name> = Extract<Event, { event: Name }>['data'];
    expectTypeOf<Data<'MIGRATION'>['status']>().toEqualTypeOf<MigrationStatus>();
    expectTypeOf<Data<'MIGRATION_PASS'>['pass']>().toEqualTypeOf<number>();
  });
});
