// Fingerprints a file page by page, and says how many of its pages are different.
// usage: node fingerprint-a-file.mjs FILE
import { readFileSync } from 'node:fs';
import { Hasher } from 'fakedirty';

const [path = process.execPath] = process.argv.slice(2);
const hasher = new Hasher({ algorithm: 'xxh3-128', pageSize: 1024 });
const { pageSize, digestBytes } = hasher;

// Only whole pages have fingerprints: a shorter end is left out.
const bytes = readFileSync(path);
const pages = Math.floor(bytes.length / pageSize);
const digests = hasher.fingerprint(bytes.subarray(0, pages * pageSize));

const different = new Set();
for (let page = 0; page < pages; ++page) {
  different.add(digests.toString('hex', page * digestBytes, (page + 1) * digestBytes));
}
console.log(`${pages} pages of ${pageSize} bytes, ${different.size} different ones`);
hasher.dispose();
