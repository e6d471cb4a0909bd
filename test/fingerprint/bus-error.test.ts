// The handler for SIGBUS, in processes of their own, which it may end: what is not the addon's own goes on
// as if there were none.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, it } from 'vitest';
import { builtPackage } from '../harness/built-package.js';

const directory = mkdtempSync(join(tmpdir(), 'fakedirty-bus-error-'));
afterAll(() => rmSync(directory, { recursive: true }));
const ram = join(directory, 'ram');
writeFileSync(ram, Buffer.alloc(4096, 1));

const looks = `
  const { Hasher, MemoryFile } = await import(${JSON.stringify(builtPackage.href)});
  const file = new MemoryFile(${JSON.stringify(ram)});
  await file.fingerprint(new Hasher());
  file.dispose();
`;

const inAWorker = `
  const { Worker } = await import('node:worker_threads');
  const { once } = await import('node:events');
  const worker = () => new Worker(new URL('data:text/javascript,' + encodeURIComponent(${JSON.stringify(looks)})));
  for (let i = 0; i < 2; ++i) await once(worker(), 'exit');
`;

const sendsItself = `process.kill(process.pid, 'SIGBUS'); setTimeout(() => console.log('survived'), 2000);`;

async function endOf(program: string) {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [said, problems, [exitCode, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  return { said, problems, exitCode, signal };
}

const ended = { said: '', problems: '', exitCode: null, signal: 'SIGBUS' };

describe('a SIGBUS that somebody sends', () => {
  it('ends the process, as it would without a handler', async () => {
    expect(await endOf(`${looks} ${sendsItself}`)).toEqual(ended);
  });

  // Node unloads an addon with the last worker that used it.
  it('does so too when only workers had a memory file, and have ended', async () => {
    expect(await endOf(`${inAWorker} ${sendsItself}`)).toEqual(ended);
  });
});
