// What npm start and the benchmarks do, from nothing: packages, builds, the QEMUs, and then the program itself, whose
// options are its own to check and explain.
import { existsSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cacheDirectory, checkoutKey, removeUnused } from '../lib/system/cache.js';
import { ensureDebianPackages } from '../lib/system/debian-packages.js';
import { packageRoot } from '../lib/system/package-root.js';
import { runGroup } from '../lib/system/processes.js';
import { step, tell, tellStepsTo } from '../lib/system/step.js';
import { buildAddon, packageScript, packagesFor } from './build.js';
import { buildNative, prepare } from './native.js';

/** Files are named as seen from where npm was called. */
export const { INIT_CWD: callersDirectory = packageRoot } = process.env;

/** The program of another file that was compiled with this one. */
function compiled(...path: string[]): string {
  return fileURLToPath(new URL(join('..', ...path), import.meta.url));
}

const fakedirty = compiled('lib', 'cli', 'main.js');

interface ProgramOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a program on this process's own output; its exit code is returned. */
async function runProgram(
  program: string,
  args: readonly string[],
  { cwd = callersDirectory, env = {} }: ProgramOptions = {},
): Promise<number> {
  const { exitCode, signal } = await runGroup(program, args, {
    cwd,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (exitCode === null) throw new Error(`${program} ${args[0] ?? ''} was ended by ${signal}`);
  return exitCode;
}

/** The library beside its rivals in C and C++. */
export async function benchNative(args: readonly string[]): Promise<number> {
  removeUnused();
  await ensureDebianPackages(packagesFor.native);
  const build = prepare('release');
  await buildNative(build, { targets: ['fakedirty-bench'] });
  const program = join(build.directory, 'bench', 'fakedirty-bench');
  if (!existsSync(program)) throw new Error(`the build made no ${program}`);
  return runProgram(program, args);
}

/** What --check is timed against; its path. */
async function buildProbe(): Promise<string> {
  const build = prepare('release');
  await buildNative(build, { targets: ['fakedirty_static'] });
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

/** The package beside others that compute the same. */
export async function bench(args: readonly string[]): Promise<number> {
  // Standard output is then for the results alone.
  if (args.includes('--json')) tellStepsTo(process.stderr);
  removeUnused();
  const check = args.includes('--check');
  await ensureDebianPackages(check ? packagesFor.native : packagesFor.addon);
  await buildAddon();
  const env = check ? { FAKEDIRTY_BENCH_PROBE: await buildProbe() } : {};
  return runProgram(process.execPath, [compiled('bench', 'main.js'), ...args], { env });
}

/** Returns at once when it has been built from the same source and series. */
async function ensureQemu(title: string, options: readonly string[]): Promise<void> {
  await step({ title: `qemu: ${title}`, log: 'qemu-build' }, ({ run }) =>
    run(process.execPath, [fakedirty, 'qemu', 'build', ...options]),
  );
}

/** What the filter costs a migration in QEMU, and what it is worth. */
export async function benchQemu(args: readonly string[]): Promise<number> {
  removeUnused();
  await ensureDebianPackages(packagesFor.qemu);
  await buildAddon();
  const options = {
    version: { type: 'string', default: '7.2' },
    source: { type: 'string' },
  } as const;
  // What is wrong with the options, the program says itself.
  const { version, source } = parseArgs({ args: [...args], options, strict: false }).values;
  if (version === '7.2' || version === '8.1') {
    const named = typeof source === 'string' ? ['--source', source] : [];
    const wanted = ['--version', version, ...named];
    await ensureQemu(`${version} with the series`, wanted);
    await ensureQemu(`${version} without the series`, [...wanted, '--unpatched']);
  }
  return runProgram(process.execPath, [compiled('bench', 'qemu', 'main.js'), ...args]);
}

/** Results that have become a report stay, under the time of that report. */
function setAside(results: string): void {
  const report = statSync(join(results, 'index.html'), { throwIfNoEntry: false });
  if (!report) return;
  const when = report.mtime.toISOString().slice(0, 19).replaceAll(':', '-');
  const aside = `${results}-${when}`;
  if (existsSync(aside)) return;
  renameSync(results, aside);
  tell(`the results of the last time are in ${aside}`);
}

/** The command line of the package, as it is in this checkout: in this process, which signals reach. */
export async function runFakedirty(args: readonly string[]): Promise<number> {
  process.argv = [process.execPath, fakedirty, ...args];
  await import('../lib/cli/main.js');
  return Number(process.exitCode ?? 0);
}

/** An experiment of the lab. One that was interrupted goes on where it was. */
export async function start(results: string): Promise<number> {
  removeUnused();
  await ensureDebianPackages([...packagesFor.qemu, ...packagesFor.lab]);
  const version = ['--version', '7.2'];
  const build = [fakedirty, 'qemu', 'build', ...version];
  const built = await runProgram(process.execPath, build, { cwd: packageRoot });
  if (built !== 0) return built;
  setAside(results);
  const file = join(packageRoot, 'experiments', 'start.yaml');
  return runFakedirty(['lab', 'run', file, '--out', results, ...version, '--passes']);
}
