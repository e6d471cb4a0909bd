// The native builds: the presets of CMakePresets.json, each with a build directory in the cache.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { cacheDirectory, keyOf, repository } from '../run/cache.mjs';
import { withLock } from '../run/lock.mjs';
import { step } from '../run/step.mjs';
import { sanitizerEnvironment, withSteadyAddresses } from './sanitizers.mjs';

const presets = JSON.parse(readFileSync(join(repository, 'CMakePresets.json'), 'utf8'));
const gcc = { cc: 'gcc', cxx: 'g++' };
const clang = { cc: 'clang-14', cxx: 'clang++-14' };

export const variants = {
  release: { label: 'release', compiler: gcc },
  asan: { label: 'ASan+UBSan', compiler: clang, sanitized: true },
  tsan: { label: 'TSan', compiler: clang, sanitized: true },
};

/** A variant made ready for this machine: its directories, and how its commands are run. */
export function prepare(name) {
  const { label, compiler, sanitized = false } = variants[name];
  const compilerVersion = execFileSync(compiler.cxx, ['--version'], { encoding: 'utf8' });
  const key = keyOf([repository, presets, compiler, compilerVersion]);
  const tree = cacheDirectory('builds', `${name}-${key}`);
  return {
    name,
    label,
    cmake: compiler,
    compiler: `${compiler.cxx} ${compilerVersion.match(/\d+(\.\d+)+/)[0]}`,
    tree,
    /** What belongs to native/ in it. */
    directory: join(tree, 'native'),
    env: sanitized ? sanitizerEnvironment() : {},
    /** A command line that may run programs of this variant. */
    commandLine: sanitized ? withSteadyAddresses : (command, ...args) => [command, args],
  };
}

async function configure(build, run) {
  const { cc, cxx } = build.cmake;
  const compilers = [`-DCMAKE_C_COMPILER=${cc}`, `-DCMAKE_CXX_COMPILER=${cxx}`];
  await run('cmake', ['-S', repository, '--preset', build.name, '-B', build.tree, ...compilers]);
}

/** One at a time in a directory: builds, and the tests that write their results there. */
export function alone(build, body) {
  return withLock(basename(build.tree), console.log, body);
}

/** Configures only: enough for compile_commands.json, which must know the latest list of sources. */
export async function configureNative(build) {
  await alone(build, () =>
    step(
      { title: `native: configuring ${build.label}`, log: `configure-${build.name}` },
      ({ run }) => configure(build, run),
    ),
  );
}

/** Builds everything, or the targets named. */
export async function buildNative(build, targets = []) {
  const title = `native: building ${build.label}`;
  const detail = `${build.compiler}, cached in ${build.tree}`;
  await alone(build, () =>
    step({ title, detail, log: `build-${build.name}` }, async ({ run }) => {
      await configure(build, run);
      const chosen = targets.flatMap((target) => ['--target', target]);
      const parallel = ['--parallel', String(availableParallelism())];
      await run('cmake', ['--build', build.tree, ...parallel, ...chosen]);
    }),
  );
}
