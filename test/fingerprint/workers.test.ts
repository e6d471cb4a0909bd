import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { fingerprintPages } from '../../lib/index.js';
import { builtPackage } from '../harness/built-package.js';
import { randomBytes } from './reference.js';

const shared = new SharedArrayBuffer(8 * 1024 * 1024);
new Uint8Array(shared).set(randomBytes(shared.byteLength));

function workerThat(does: string): Worker {
  const code = `
    const { parentPort, workerData } = require('node:worker_threads');
    import(${JSON.stringify(builtPackage.href)}).then(async (fakedirty) => {
      const { fingerprintPages, fingerprintPagesAsync } = fakedirty;
      ${does}
    });
  `;
  return new Worker(code, { eval: true, workerData: shared });
}

describe('worker threads', () => {
  it('share memory, each with an addon of its own', async () => {
    const expected = fingerprintPages(shared, { algorithm: 'xxh3-64' }).toString('hex');
    const workers = Array.from({ length: 6 }, () =>
      workerThat(`
        const now = fingerprintPages(workerData, { algorithm: 'xxh3-64' }).toString('hex');
        const later = await fingerprintPagesAsync(workerData, { algorithm: 'xxh3-64' });
        parentPort.postMessage([now, later.toString('hex')]);
      `),
    );
    const answers = await Promise.all(workers.map((worker) => once(worker, 'message')));
    for (const [answer] of answers) expect(answer).toEqual([expected, expected]);
    await Promise.all(workers.map((worker) => worker.terminate()));
  });

  // In a process of its own, which a crash would end.
  it('may end at any moment, whatever is under way', async () => {
    const program = fileURLToPath(new URL('end-workers.mjs', import.meta.url));
    const child = spawn(process.execPath, [program, builtPackage.href, '50'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const [said, [exitCode, signal]] = await Promise.all([
      text(child.stderr),
      once(child, 'close'),
    ]);
    expect({ exitCode, signal, said }).toEqual({ exitCode: 0, signal: null, said: '' });
  }, 120_000);
});
