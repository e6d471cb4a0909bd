// node_modules: installed again only when package-lock.json or Node itself is another one.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkoutKey, keyOf, repository } from '../run/cache.mjs';
import { withLock } from '../run/lock.mjs';
import { step } from '../run/step.mjs';

const stampFile = join(repository, 'node_modules', '.fakedirty-installed');

function wantedStamp() {
  const lock = readFileSync(join(repository, 'package-lock.json'), 'utf8');
  return keyOf([lock, process.version, process.platform, process.arch]);
}

function installedStamp() {
  try {
    return readFileSync(stampFile, 'utf8');
  } catch {
    return null;
  }
}

export async function ensureNodeModules() {
  const wanted = wantedStamp();
  if (installedStamp() === wanted) return;
  await withLock(`node-modules-${checkoutKey}`, console.log, async () => {
    if (installedStamp() === wanted) return;
    await step({ title: 'setup: npm ci', log: 'npm-ci' }, async ({ run }) => {
      // No dependency needs an install script. npm 12 runs none; older versions shall do the same.
      const options = ['--ignore-scripts', '--include=dev', '--no-audit', '--no-fund'];
      const npm = process.env.npm_execpath;
      if (npm?.endsWith('.js')) await run(process.execPath, [npm, 'ci', ...options]);
      else await run('npm', ['ci', ...options]);
      writeFileSync(stampFile, wanted);
    });
  });
}

/** The script of an installed package, to be run with this Node. */
export function packageScript(...path) {
  return join(repository, 'node_modules', ...path);
}
