// The directory of this package, in which its sources, series and guests are found, whether this file runs from
// lib/, from dist/, or from a copy that was compiled for the scripts.
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function findRoot(): string {
  const here = dirname(realpathSync(fileURLToPath(import.meta.url)));
  for (let directory = here; ; directory = dirname(directory)) {
    if (existsSync(join(directory, 'package.json'))) return directory;
    if (directory === dirname(directory))
      throw new Error(`There is no package.json above ${here}.`);
  }
}

export const packageRoot = findRoot();
