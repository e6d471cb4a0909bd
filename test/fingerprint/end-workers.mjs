// Ends worker threads at random moments, whatever the addon is doing in them: a program of its own, for
// what goes wrong there ends the process. Arguments: the package's URL and how many workers.
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

const [packageUrl, workers] = process.argv.slice(2);
const atATime = 4;
const shared = new SharedArrayBuffer(16 * 1024);

const busy = `
  const { parentPort, workerData } = require('node:worker_threads');
  import(${JSON.stringify(packageUrl)}).then(async (fakedirty) => {
    const { FingerprintTable, Hasher, MemoryFile, fingerprintPages } = fakedirty;
    const page = new Uint8Array(1024);
    const hasher = new Hasher({ pageSize: 1024, algorithm: 'crc32' });
    const table = new FingerprintTable({ pages: 16, hasher });
    const verifying = new FingerprintTable({ pages: 16, hasher, verify: true });
    const forever = async (work) => {
      for (;;) await work();
    };
    forever(() => table.checkAndCommitAsync(workerData));
    forever(() => hasher.fingerprintAsync(workerData, { threads: 3 }));
    forever(async () => {
      verifying.commit(verifying.check(page, 1));
      verifying.checkAndCommit(page, [7]);
      verifying.invalidate({ first: 3, pages: 2 });
      verifying.statistics();
      new FingerprintTable({ pages: 8, hasher }).dispose();
      new Hasher({ algorithm: 'xxh3-64' }).dispose();
      try {
        new MemoryFile('/nowhere');
      } catch {}
    });
    parentPort.postMessage('busy');
  });
`;

async function endOne() {
  const worker = new Worker(busy, { eval: true, workerData: shared });
  await once(worker, 'message');
  await delay(Math.random() * 4);
  await worker.terminate();
}

let left = Number(workers);
await Promise.all(
  Array.from({ length: atATime }, async () => {
    while (left-- > 0) await endOne();
  }),
);
