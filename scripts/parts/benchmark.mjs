// The native benchmark: set-up, build, run. Its options are its own to check and explain.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { removeUnused, repository } from '../run/cache.mjs';
import { runChild } from '../run/children.mjs';
import { ensureSystemPackages, packagesFor } from '../setup/system-packages.mjs';
import { buildNative, prepare } from './native-build.mjs';

/** Answers the benchmark's exit code. */
export async function runBenchmark(args) {
  removeUnused();
  await ensureSystemPackages(packagesFor.native);
  const build = prepare('release');
  await buildNative(build, ['fakedirty-bench']);
  const program = join(build.directory, 'bench', 'fakedirty-bench');
  if (!existsSync(program)) throw new Error(`the build made no ${program}`);
  const { exitCode, signal } = await runChild(program, args, {
    // Files are named as seen from where npm was called.
    cwd: process.env.INIT_CWD ?? repository,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (signal) throw new Error(`fakedirty-bench was ended by ${signal}`);
  return exitCode;
}
