// The comparison of hashes: compiled beside the library's sources that it uses, and run.
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDirectory, checkoutKey, removeUnused, repository } from '../run/cache.mjs';
import { runChild } from '../run/children.mjs';
import { withLock } from '../run/lock.mjs';
import { step } from '../run/step.mjs';
import { ensureNodeModules, packageScript } from '../setup/node-modules.mjs';
import { ensureSystemPackages, packagesFor } from '../setup/system-packages.mjs';
import { buildAddon } from './addon.mjs';
import { buildNative, prepare } from './native-build.mjs';

const compiled = join(repository, 'build', 'compiled-bench');

async function compile() {
  await withLock(`compiled-bench-${checkoutKey}`, console.log, () =>
    step({ title: 'bench: compiling', log: 'tsc-bench' }, async ({ run }) => {
      const tsc = packageScript('typescript', 'bin', 'tsc');
      await run(process.execPath, [tsc, '--project', 'tsconfig.bench.json']);
      // The library looks for its addon two folders above itself.
      const beside = join(compiled, 'build');
      rmSync(beside, { recursive: true, force: true });
      mkdirSync(beside);
      symlinkSync(join('..', '..', 'Release'), join(beside, 'Release'));
    }),
  );
}

/** What --check is timed against; answers its path. */
async function buildProbe() {
  const build = prepare('release');
  await buildNative(build, ['fakedirty_static']);
  const probe = join(cacheDirectory('builds', `binding-probe-${checkoutKey}`), 'probe.node');
  await step({ title: 'bench: building the native side', log: 'probe' }, ({ run }) =>
    run('gcc', [
      ...['-O3', '-shared', '-fPIC', '-Wall', '-Wextra', '-DFAKEDIRTY_STATIC'],
      ...['-I', packageScript('node-api-headers', 'include'), '-I', 'native/include'],
      join('native', 'bench', 'binding_probe.c'),
      join(build.directory, 'libfakedirty.a'),
      ...['-lstdc++', '-o', probe],
    ]),
  );
  return probe;
}

/** Answers the comparison's exit code. */
export async function runComparison(args) {
  removeUnused();
  const check = args.includes('--check');
  await ensureSystemPackages(check ? packagesFor.native : packagesFor.addon);
  await ensureNodeModules();
  await compile();
  await buildAddon();
  const env = check ? { FAKEDIRTY_BENCH_PROBE: await buildProbe() } : {};
  const program = join(compiled, 'bench', 'main.js');
  const { exitCode, signal } = await runChild(process.execPath, [program, ...args], {
    // Files are named as seen from where npm was called.
    cwd: process.env.INIT_CWD ?? repository,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (signal) throw new Error(`the comparison was ended by ${signal}`);
  return exitCode;
}
