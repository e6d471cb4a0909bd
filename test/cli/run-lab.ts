// `fakedirty lab` as users start it.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { repository } from '../../scripts/run/cache.mjs';

/** In that directory, with a cache there in which nothing has been built. */
export function runLab(directory: string, ...args: string[]) {
  const main = join(repository, 'dist', 'cli', 'main.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'lab', ...args], {
    env: { ...process.env, FAKEDIRTY_CACHE: join(directory, 'cache') },
    cwd: directory,
    encoding: 'utf8',
  });
  return { status, output: stdout + stderr };
}
