// Prints the native sources in a folder (src or addon), one a line, relative to the repository:
// binding.gyp reads them here, CMake reads the same native/sources.txt itself.
import { readFileSync } from 'node:fs';

const [folder] = process.argv.slice(2);
const list = new URL('../native/sources.txt', import.meta.url);
for (const line of readFileSync(list, 'utf8').split('\n')) {
  if (line.startsWith(`${folder}/`)) console.log(`native/${line.trim()}`);
}
