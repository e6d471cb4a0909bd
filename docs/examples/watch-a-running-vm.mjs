// How much of a running VM's memory changes within some seconds? QEMU and the guest are not involved.
// usage: node watch-a-running-vm.mjs RAM_FILE [SECONDS]
// where QEMU was started with -object memory-backend-file,id=ram,share=on,mem-path=RAM_FILE,size=...
import { setTimeout as sleep } from 'node:timers/promises';
import { FingerprintTable, MemoryFile } from 'fakedirty';

const [path, seconds = '1'] = process.argv.slice(2);
const memory = new MemoryFile(path);
const table = new FingerprintTable({ pages: memory.pages() });

await memory.checkAndCommit(table);
await sleep(Number(seconds) * 1000);
const { counts } = await memory.checkAndCommit(table);

const share = ((100 * counts.changed) / table.pages).toFixed(1);
console.log(`${counts.changed} of ${table.pages} pages changed in ${seconds} s (${share} %)`);
memory.dispose();
table.dispose();
