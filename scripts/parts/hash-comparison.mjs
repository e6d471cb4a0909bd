// The comparison of hashes: compiled, and run.
import { join } from 'node:path';
import { cacheDirectory, checkoutKey, removeUnused, repository } from '../run/cache.mjs';
import { runChild } from '../run/children.mjs';
import { step } from '../run/step.mjs';
import { ensureNodeModules, packageScript } from '../setup/node-modules.mjs';
import { ensureSystemPackages, packagesFor } from '../setup/system-packages.mjs';
import { buildAddon } from './addon.mjs';
import { compileBench } from './compiled-bench.mjs';
import { buildNative, prepare } from './native-build.mjs';

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
  const program = await compileBench('main.js');
  await buildAddon();
  const env = check ? { FAKEDIRTY_BENCH_PROBE: await buildProbe() } : {};
  const { exitCode, signal } = await runChild(process.execPath, [program, ...args], {
    // Files are named as seen from where npm was called.
    cwd: process.env.INIT_CWD ?? repository,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (signal) throw new Error(`the comparison was ended by ${signal}`);
  return exitCode;
}
