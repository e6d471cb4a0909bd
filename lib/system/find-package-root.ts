// Looks for the folder of this package, whether this file runs from lib/, from dist/, or from a copy that was compiled
// for the scripts. A bundler may have put it into another program, which has no such folder.
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function isPackage(directory: string): boolean {
  const manifest = join(directory, 'package.json');
  return existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).name === 'fakedirty';
}

/** The folder of this package; undefined in a bundle. */
export function findPackageRoot(): string | undefined {
  // Bundles for CommonJS have no such URL.
  const url: string | undefined = import.meta.url;
  if (!url) return undefined;
  let directory = dirname(realpathSync(fileURLToPath(url)));
  while (!isPackage(directory)) {
    if (directory === dirname(directory)) return undefined;
    directory = dirname(directory);
  }
  return directory;
}

/** What to do about that. */
export const unbundle =
  'Keep it out of the bundle, with `--external:fakedirty` for esbuild, and install it beside the program ' +
  '(docs/guides/installing.md).';
