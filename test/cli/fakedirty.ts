// `fakedirty` as a user runs it, to its end.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../lib/system/package-root.js';

/** The command's program. */
export const main = join(packageRoot, 'dist', 'cli', 'main.js');

/** What it ends with, and what it says; `output` is all of that. */
export function fakedirty(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr, output: stdout + stderr };
}
