// The cost of the filter in QEMU: both QEMUs built if they are not there, and compared.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { repository } from '../run/cache.mjs';
import { runChild } from '../run/children.mjs';
import { step } from '../run/step.mjs';
import { ensureNodeModules } from '../setup/node-modules.mjs';
import { ensureSystemPackages, packagesFor } from '../setup/system-packages.mjs';
import { buildAddon } from './addon.mjs';
import { compileBench } from './compiled-bench.mjs';
import { buildTypescriptIfStale } from './typescript.mjs';

const fakedirty = join(repository, 'dist', 'cli', 'main.js');
const options = { version: { type: 'string', default: '7.2' }, source: { type: 'string' } };

/** At once when it has been built from the same source and series. */
function ensureQemu(title, { version, source }, ...flags) {
  const named = source === undefined ? [] : ['--source', source];
  return step({ title: `qemu: ${version} ${title}`, log: 'qemu-build' }, ({ run }) =>
    run(process.execPath, [
      ...[fakedirty, 'qemu', 'build', '--version', version],
      ...[...named, ...flags],
    ]),
  );
}

/** Answers the program's exit code. */
export async function runCost(args) {
  await ensureSystemPackages(packagesFor.qemu);
  await ensureNodeModules();
  await buildTypescriptIfStale();
  await buildAddon();
  const program = await compileBench(join('qemu', 'main.js'));
  // What is wrong with the options, the program says itself.
  const { values } = parseArgs({ args, options, strict: false });
  if (values.version === '7.2' || values.version === '8.1') {
    await ensureQemu('with the series', values);
    await ensureQemu('without the series', values, '--unpatched');
  }
  const { exitCode, signal } = await runChild(process.execPath, [program, ...args], {
    cwd: process.env.INIT_CWD ?? repository,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (signal) throw new Error(`the comparison was ended by ${signal}`);
  return exitCode;
}
