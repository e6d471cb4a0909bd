import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { fingerprintPages } from '../../lib/index.js';
import { builtPackage } from '../built-package.js';
import { randomBytes } from './reference.js';

const shared = new SharedArrayBuffer(8 * 1024 * 1024);
new Uint8Array(shared).set(randomBytes(shared.byteLength));

function workerThat(does: string): Worker {
  const code = `
    const { parentPort, workerData } = require('node:worker_threads');
    import(${JSON.stringify(builtPackage.href)}).then(async (fakedirty) => {
      const { Hasher, FingerprintTable, fingerprintPages, fingerprintPagesAsync } = fakedirty;
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

  it('may end at any moment, with work under way and objects alive', async () => {
    for (let round = 0; round < 10; ++round) {
      const worker = workerThat(`
        const table = new FingerprintTable({ pages: 2048, algorithm: 'sha256' });
        const hasher = new Hasher();
        const forever = async () => {
          for (;;) await table.checkAndCommitAsync(workerData);
        };
        const too = async () => {
          for (;;) await hasher.fingerprintAsync(workerData, { threads: 3 });
        };
        forever();
        too();
        parentPort.postMessage('running');
      `);
      await once(worker, 'message');
      await new Promise((resolve) => setTimeout(resolve, round));
      expect(await worker.terminate()).toBe(1);
    }
  });
});
