// A Linux guest that moves in the middle of a message: half of it is on each host's serial port.
import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import type { GuestMessage } from '../../../lib/lab/guest/guest-message.js';
import { LinuxControl } from '../../../lib/lab/guest/linux-control.js';
import { SerialLine } from '../../../lib/qemu/machine/serial-line.js';

/** A QEMU's end of a serial port, and the lab's. */
function newPort() {
  const qemu = new PassThrough();
  return { qemu, serial: new SerialLine(qemu as unknown as Socket) };
}

/** A guest that has moved, and everything that it is heard to say. */
function movedGuest() {
  const control = new LinuxControl();
  const [source, destination] = [newPort(), newPort()];
  const heard: GuestMessage[] = [];
  control.onMessage((message) => heard.push(message));
  control.connect(source.serial);
  control.connect(destination.serial);
  return { control, heard, source: source.qemu, destination: destination.qemu };
}

function untilRead(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

const numbers = { p50Us: null, p99Us: null, maxUs: null };
const said: readonly GuestMessage[] = [
  { type: 'report', atMs: 100.25, operations: 1234, ...numbers },
  // Two and three bytes for one character.
  { type: 'progress', text: 'é of 5 € {"a":1}' },
  { type: 'report', atMs: 200.5, operations: 2345, ...numbers },
];
const bytes = Buffer.from(said.map((message) => `${JSON.stringify(message)}\r\n`).join(''));

it('joins a message that the guest began in one QEMU and ended in the next, wherever it is cut', async () => {
  for (let at = 0; at <= bytes.length; at++) {
    const { heard, source, destination } = movedGuest();
    source.write(bytes.subarray(0, at));
    destination.write(bytes.subarray(at));
    await untilRead();
    expect(heard, `cut after ${at} bytes`).toEqual(said);
  }
});

it('joins it as well when the end is read before the beginning', async () => {
  for (let at = 1; at < bytes.length; at++) {
    const { heard, source, destination } = movedGuest();
    destination.write(bytes.subarray(at));
    await untilRead();
    source.write(bytes.subarray(0, at));
    await untilRead();
    // What was whole in itself need not have waited.
    expect(heard, `cut after ${at} bytes`).toHaveLength(said.length);
    expect(heard).toEqual(expect.arrayContaining([...said]));
  }
});

it('joins it though the first QEMU has been ended', async () => {
  const { control, heard, source, destination } = movedGuest();
  const next = control.next('report');
  source.end(bytes.subarray(0, 20));
  await untilRead();
  destination.write(bytes.subarray(20));
  expect(await next).toEqual(said[0]);
  expect(heard).toEqual(said);
});

it('fails for whoever waits when the beginning of a message is lost', async () => {
  const { control, source, destination } = movedGuest();
  const next = control.next('report');
  source.end();
  destination.write(bytes.subarray(20));
  await expect(next).rejects.toThrow(/This is not a message/);
});
