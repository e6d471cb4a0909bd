// The QMP client and real QEMUs.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { QmpClient } from '../../../lib/qmp/client.js';
import { QmpClosedError, QmpCommandError, QmpGreetingError } from '../../../lib/qmp/errors.js';
import { eventTimeMs } from '../../../lib/qmp/messages.js';
import { type QmpCommandName, returns } from '../../../lib/qmp/schema/commands.js';
import type { QmpAddress } from '../../../lib/qmp/transport.js';
import { drivenQemus, needDriven } from '../../harness/driven-qemu.js';

let directory: string;
let child: ChildProcess | undefined;
let client: QmpClient | undefined;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
});
afterEach(async () => {
  await client?.close();
  child?.kill('SIGKILL');
  client = undefined;
  rmSync(directory, { recursive: true, force: true });
});

function start(binary: string, qmp: string): ChildProcess {
  const args = ['-nodefaults', '-display', 'none', '-machine', 'none', '-qmp', qmp];
  child = spawn(binary, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  return child;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** QEMU says to nobody that it listens now. */
async function connectSoon(address: QmpAddress): Promise<QmpClient> {
  for (;;) {
    try {
      client = await QmpClient.connect(address);
      return client;
    } catch (error) {
      if (!(error instanceof QmpClosedError) || child?.exitCode !== null) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

describe.each(drivenQemus)('the QMP of the QEMU %s', (which) => {
  it('can be used over its standard streams', async (context) => {
    const { stdout, stdin } = start(needDriven(context, which), 'stdio');
    if (!stdout || !stdin) throw new Error('no streams');
    client = await QmpClient.over({ output: stdout, input: stdin });
    const { qemu } = await client.execute('query-version');
    expect(qemu).toEqual(client.greeting.version.qemu);
    const gone = client.closed;
    await client.execute('quit');
    await gone;
    await expect(client.execute('query-status')).rejects.toThrow(QmpClosedError);
  });

  it('can be used over TCP', async (context) => {
    const port = await freePort();
    start(needDriven(context, which), `tcp:127.0.0.1:${port},server=on,wait=off`);
    const qmp = await connectSoon({ host: '127.0.0.1', port });
    expect(await qmp.execute('query-status')).toMatchObject({ running: expect.any(Boolean) });
  });

  it('can be used over a UNIX socket, by one client at a time', async (context) => {
    const path = join(directory, 'qmp');
    start(needDriven(context, which), `unix:${path},server=on,wait=off`);
    const qmp = await connectSoon(path);
    await expect(QmpClient.connect(path, { timeoutMs: 100 })).rejects.toThrow(QmpGreetingError);
    client = await qmp.reconnect();
    expect(await client.execute('query-status')).toMatchObject({ running: expect.any(Boolean) });
  });

  it('has every typed command and event, and answers as the schemas say', async (context) => {
    const binary = needDriven(context, which);
    const path = join(directory, 'qmp');
    start(binary, `unix:${path},server=on,wait=off`);
    const qmp = await connectSoon(path);
    const names = new Set((await qmp.execute('query-commands')).map(({ name }) => name));
    const newer = qmp.greeting.version.qemu.major < 8 ? ['query-migrationthreads'] : [];
    expect(Object.keys(returns).filter((name) => !names.has(name))).toEqual(newer);
    const withoutGuest: QmpCommandName[] = [
      'query-migrate',
      'query-migrate-capabilities',
      'query-migrate-parameters',
      'query-dirty-rate',
      'query-qmp-schema',
      'query-name',
      'query-cpus-fast',
      'query-memory-size-summary',
      'query-memdev',
    ];
    for (const name of withoutGuest) await qmp.execute(name);
    await qmp.execute('migrate-set-parameters', { 'downtime-limit': 123 });
    expect(await qmp.execute('query-migrate-parameters')).toMatchObject({ 'downtime-limit': 123 });
    const capabilities = [{ capability: 'events', state: true }];
    await qmp.execute('migrate-set-capabilities', { capabilities });
    expect(await qmp.execute('query-migrate-capabilities')).toContainEqual(capabilities[0]);
    expect(await qmp.execute('human-monitor-command', { 'command-line': 'info name' })).toBe('');
    await expect(qmp.execute('x-no-such-command')).rejects.toThrow(QmpCommandError);
  });

  it('sends its events with their time, and answers out of band', async (context) => {
    const path = join(directory, 'qmp');
    start(needDriven(context, which), `unix:${path},server=on,wait=off`);
    const qmp = await connectSoon(path);
    expect(qmp.greeting.capabilities).toContain('oob');
    const events = qmp.events('STOP', 'RESUME');
    const before = Date.now();
    await qmp.execute('stop');
    await qmp.execute('cont');
    const stop = await events.until(({ event }) => event === 'STOP');
    const resume = await events.until(({ event }) => event === 'RESUME');
    expect(eventTimeMs(stop)).toBeGreaterThanOrEqual(before - 1);
    expect(eventTimeMs(resume)).toBeGreaterThanOrEqual(eventTimeMs(stop));
    const pause = qmp.execute('migrate-pause', undefined, { outOfBand: true });
    await expect(pause).rejects.toThrow(/only supported during postcopy|is currently only/i);
    expect(existsSync(path)).toBe(true);
  });
});
