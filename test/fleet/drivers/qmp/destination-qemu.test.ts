// The QEMU of an attempt is found by its command line, and nobody else is taken for it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import {
  destinationWords,
  findQemu,
  startQemu,
} from '../../../../lib/fleet/drivers/qmp/destination-qemu.js';
import type { QmpHost, Vm } from '../../../../lib/site/site.js';

const folder = `/nowhere/web-${process.pid}-1`;
const host = { driver: 'qmp', qemu: '/usr/bin/tail' } as QmpHost;
const started: ChildProcess[] = [];
afterEach(async () => {
  // One that has not ended yet would be found by the next test.
  for (const each of started.splice(0)) {
    const ended = once(each, 'close');
    each.kill('SIGKILL');
    await ended;
  }
});

/** A process that waits, with that command line. */
async function waiting(words: readonly string[]): Promise<number> {
  const idle = ['-e', 'setTimeout(() => {}, 1e6)', '--', ...words];
  const child = spawn(process.execPath, idle, { stdio: 'ignore' });
  started.push(child);
  await once(child, 'spawn');
  return child.pid ?? 0;
}

it('finds the QEMU of a folder, and no other', async () => {
  expect(findQemu(folder)).toBeUndefined();
  const words = destinationWords(host, {} as Vm, folder);
  const pid = await waiting(words);
  expect(findQemu(folder)).toMatchObject({ pid });
  expect(findQemu(`${folder}0`)).toBeUndefined();
});

it('takes nobody for it who looks for it, or has it in an editor', async () => {
  const mark = `socket,id=fakedirty-qmp,path=${folder}/qmp.sock,server=on,wait=off`;
  await waiting([mark]);
  await waiting([`kill $(pgrep -f ${mark})`]);
  expect(findQemu(folder)).toBeUndefined();
});

it('starts nothing in a folder that somebody else has made, or can write to', async () => {
  const made = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
  try {
    chmodSync(made, 0o777);
    await expect(startQemu(host, {} as Vm, made)).rejects.toThrow(/others have access/);
  } finally {
    rmSync(made, { recursive: true });
  }
});
