import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { fingerprintPages } from '../../lib/index.js';
import { builtPackage } from '../harness/built-package.js';
import { randomBytes } from './reference.js';

// docs/decisions/node-api.md rests on 10,000.
const { FAKEDIRTY_WORKERS = '50' } = process.env;
const workersToEnd = Number(FAKEDIRTY_WORKERS);
const workersPerProcess = 200;

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

/** In a process of its own, which a crash would end. */
async function endWorkers(count: number) {
  const program = fileURLToPath(new URL('end-workers.mjs', import.meta.url));
  const child = spawn(process.execPath, [program, builtPackage.href, String(count)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const [said, [exitCode, signal]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  return { exitCode, signal, said };
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

  it(
    `never take the process along when they are terminated at random moments (${workersToEnd} of them)`,
    async () => {
      for (let left = workersToEnd; left > 0; left -= workersPerProcess) {
        const end = await endWorkers(Math.min(left, workersPerProcess));
        expect(end).toEqual({ exitCode: 0, signal: null, said: '' });
      }
    },
    60_000 + workersToEnd * 1_000,
  );
});
