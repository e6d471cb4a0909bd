// The native builds: one CMake build directory a variant, in the cache.
import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { cacheDirectory, keyOf, repository } from '../run/cache.mjs';
import { withLock } from '../run/lock.mjs';
import { step } from '../run/step.mjs';
import { sanitizerEnvironment, withSteadyAddresses } from './sanitizers.mjs';

const source = join(repository, 'native');
const gcc = { cc: 'gcc', cxx: 'g++' };
const clang = { cc: 'clang-14', cxx: 'clang++-14' };

export const variants = {
  release: {
    label: 'release',
    compiler: gcc,
    options: {
      CMAKE_BUILD_TYPE: 'Release',
      FAKEDIRTY_TESTS: 'ON',
      FAKEDIRTY_BENCH: 'ON',
      FAKEDIRTY_ADDON: 'ON',
    },
  },
  asan: {
    label: 'ASan+UBSan',
    compiler: clang,
    sanitized: true,
    options: {
      CMAKE_BUILD_TYPE: 'RelWithDebInfo',
      FAKEDIRTY_TESTS: 'ON',
      FAKEDIRTY_ADDON: 'ON',
      FAKEDIRTY_SANITIZE: 'address',
    },
  },
  tsan: {
    label: 'TSan',
    compiler: clang,
    sanitized: true,
    options: {
      CMAKE_BUILD_TYPE: 'RelWithDebInfo',
      FAKEDIRTY_TESTS: 'ON',
      FAKEDIRTY_SANITIZE: 'thread',
    },
  },
};

/** A variant made ready for this machine: its directory, and how its commands are run. */
export function prepare(name) {
  const { label, compiler, options, sanitized = false } = variants[name];
  const compilerVersion = execFileSync(compiler.cxx, ['--version'], { encoding: 'utf8' });
  const definitions = {
    ...options,
    CMAKE_C_COMPILER: compiler.cc,
    CMAKE_CXX_COMPILER: compiler.cxx,
    CMAKE_EXPORT_COMPILE_COMMANDS: 'ON',
  };
  const key = keyOf([source, definitions, compilerVersion]);
  return {
    name,
    label,
    definitions,
    compiler: `${compiler.cxx} ${compilerVersion.match(/\d+(\.\d+)+/)[0]}`,
    directory: cacheDirectory('builds', `${name}-${key}`),
    env: sanitized ? sanitizerEnvironment() : {},
    /** A command line that may run programs of this variant. */
    commandLine: sanitized ? withSteadyAddresses : (command, ...args) => [command, args],
  };
}

async function configure(build, run) {
  const definitions = Object.entries(build.definitions).map(
    ([name, value]) => `-D${name}=${value}`,
  );
  await run('cmake', ['-S', source, '-B', build.directory, '-G', 'Ninja', ...definitions]);
}

/** One at a time in a directory: builds, and the tests that write their results there. */
export function alone(build, body) {
  return withLock(basename(build.directory), console.log, body);
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
  const detail = `${build.compiler}, cached in ${build.directory}`;
  await alone(build, () =>
    step({ title, detail, log: `build-${build.name}` }, async ({ run }) => {
      await configure(build, run);
      const chosen = targets.flatMap((target) => ['--target', target]);
      const parallel = ['--parallel', String(availableParallelism())];
      await run('cmake', ['--build', build.directory, ...parallel, ...chosen]);
    }),
  );
}
