// Fingerprints a file page by page, and counts its distinct pages.
// usage: node fingerprint-a-file.mjs FILE
import { readFileSync } from 'node:fs';
import { Hasher } from 'fakedirty';

const [path = process.execPath] = process.argv.slice(2);
const hasher = new Hasher({ algorithm: 'xxh3-128', pageSize: 1024 });
const { pageSize, digestBytes } = hasher;

// Only whole pages have fingerprints: an incomplete last page is left out.
const bytes = readFileSync(path);
const pages = Math.floor(bytes.length / pageSize);
const digests = hasher.fingerprint(bytes.subarray(0, pages * pageSize));

const distinct = new Set();
for (let page = 0; page < pages; ++page) {
  distinct.add(digests.toString('hex', page * digestBytes, (page + 1) * digestBytes));
}
console.log(`${pages} pages of ${pageSize} bytes, ${distinct.size} distinct`);
hasher.dispose();
