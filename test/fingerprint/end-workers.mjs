// Ends worker threads at random moments, whatever the addon is doing in them: a program of its own, for
// what goes wrong there ends the process. Arguments: the package's URL and how many workers.
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

const [packageUrl, workers] = process.argv.slice(2);
const atATime = 4;
const shared = new SharedArrayBuffer(16 * 1024);

// What a worker does until it is ended. A moment between two calls of Node-API is short, so most of a worker's time
// is spent in the addon.
const busyWith = {
  calls: `
    forever(() => {
      for (let i = 0; i < 100; i += 1) {
        verifying.commit(verifying.check(page, 1));
        verifying.checkAndCommit(page, [7]);
        verifying.invalidate({ first: 3, pages: 2 });
        verifying.statistics();
        hasher.fingerprint(page);
      }
    });`,
  objects: `
    forever(() => {
      for (let i = 0; i < 50; i += 1) {
        new FingerprintTable({ pages: 8, hasher }).dispose();
        new Hasher({ algorithm: 'xxh3-64' }).dispose();
      }
    });`,
  errors: `
    forever(() => {
      for (let i = 0; i < 50; i += 1) {
        try {
          new MemoryFile('/nowhere');
        } catch {}
        try {
          hasher.fingerprint(page, { into: page });
        } catch {}
      }
    });`,
  background: `
    forever(() =>
      Promise.all(Array.from({ length: 100 }, () => hasher.fingerprintAsync(workerData))),
    );`,
  everything: `
    forever(() => table.checkAndCommitAsync(workerData));
    forever(() => hasher.fingerprintAsync(workerData, { threads: 3 }));
    forever(() => {
      verifying.commit(verifying.check(page, 1));
      new Hasher({ algorithm: 'xxh3-64' }).dispose();
      try {
        new MemoryFile('/nowhere');
      } catch {}
    });`,
};

const codeOf = (work) => `
  const { parentPort, workerData } = require('node:worker_threads');
  import(${JSON.stringify(packageUrl)}).then((fakedirty) => {
    const { FingerprintTable, Hasher, MemoryFile } = fakedirty;
    const page = new Uint8Array(1024);
    const hasher = new Hasher({ pageSize: 1024, algorithm: 'crc32' });
    const table = new FingerprintTable({ pages: 16, hasher });
    const verifying = new FingerprintTable({ pages: 16, hasher, verify: true });
    const forever = async (work) => {
      parentPort.postMessage('busy');
      for (;;) await work();
    };
    ${work}
  });
`;

async function endOne(work) {
  const worker = new Worker(codeOf(work), { eval: true, workerData: shared });
  await once(worker, 'message');
  await delay(Math.random() * 4);
  await worker.terminate();
}

const works = Object.values(busyWith);
let left = Number(workers);
await Promise.all(
  Array.from({ length: atATime }, async () => {
    while (left-- > 0) await endOne(works[left % works.length]);
  }),
);
