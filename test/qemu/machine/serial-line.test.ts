// A guest's serial port that is closed in the middle of a line: a reader must be told, or it waits for ever.
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, type TestContext } from 'vitest';
import { SerialLine } from '../../../lib/qemu/machine/serial-line.js';

const timeoutMs = 20_000;

/** What QEMU has, and what we hear. */
async function newLine({ onTestFinished }: TestContext) {
  const path = join(tmpdir(), `fakedirty-test-${process.pid}.serial`);
  const server = createServer().listen(path);
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const guest = createConnection(path);
  const [socket] = (await accepted) as [Socket];
  onTestFinished(() => {
    guest.destroy();
    socket.destroy();
    server.close();
    rmSync(path, { force: true });
  });
  return { guest, serial: new SerialLine(socket) };
}

it('a serial line delivers what was said before the guest closed it, then rejects', async (context) => {
  const { guest, serial } = await newLine(context);
  guest.end('one\ntwo\nhalf of thr');
  const said: string[] = [];
  const all = (async () => {
    for (;;) said.push(await serial.line(timeoutMs));
  })();
  await expect(all).rejects.toThrow('The serial port is closed');
  expect(said).toEqual(['one', 'two', 'half of thr']);
});

it('a serial line that is closed on this side rejects what is read', async (context) => {
  const { serial } = await newLine(context);
  const line = serial.line(timeoutMs);
  serial.close();
  await expect(line).rejects.toThrow('The serial port is closed');
  await expect(serial.line(timeoutMs)).rejects.toThrow('The serial port is closed');
});
