// `fakedirty lab` as users start it.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../lib/system/package-root.js';

function run(directory: string, prefix: readonly string[], args: readonly string[]) {
  const main = join(packageRoot, 'dist', 'cli', 'main.js');
  const [program = '', ...words] = [...prefix, process.execPath, main, 'lab', ...args];
  const { pid, status, stdout, stderr } = spawnSync(program, words, {
    env: { ...process.env, FAKEDIRTY_CACHE: join(directory, 'cache') },
    cwd: directory,
    encoding: 'utf8',
  });
  return { pid, status, output: stdout + stderr };
}

/** In that directory, with a cache there in which nothing has been built. */
export function runLab(directory: string, ...args: string[]) {
  return run(directory, [], args);
}

/** The same, without what root alone may do: files stay readable, which those of root may not be to others. */
export function runLabUnprivileged(directory: string, ...args: string[]) {
  const isRoot = process.getuid?.() === 0;
  const drop = ['setpriv', '--bounding-set', '-all', '--inh-caps', '-all', '--'];
  return run(directory, isRoot ? drop : [], args);
}
