// The native builds: the presets of CMakePresets.json, each with a build directory in the cache; and what programs with
// sanitizers need around them.
import { readFileSync } from 'node:fs';
import { availableParallelism, machine } from 'node:os';
import { basename, join } from 'node:path';
import { cacheDirectory, keyOf } from '../lib/system/cache.js';
import { withLock } from '../lib/system/lock.js';
import { packageRoot } from '../lib/system/package-root.js';
import { outputOf, runSync } from '../lib/system/processes.js';
import { type Run, step, tell } from '../lib/system/step.js';

const presets: unknown = JSON.parse(readFileSync(join(packageRoot, 'CMakePresets.json'), 'utf8'));
const gcc = { cc: 'gcc', cxx: 'g++' };
const crossGcc = { cc: 'aarch64-linux-gnu-gcc', cxx: 'aarch64-linux-gnu-g++' };
const clang = { cc: 'clang-14', cxx: 'clang++-14' };

interface Variant {
  readonly label: string;
  readonly compiler: typeof gcc;
  readonly sanitized?: boolean;
}

/** Each is a preset. */
export const variants = {
  release: { label: 'release', compiler: gcc },
  asan: { label: 'ASan+UBSan', compiler: clang, sanitized: true },
  tsan: { label: 'TSan', compiler: clang, sanitized: true },
  arm64: { label: '64-bit Arm', compiler: crossGcc },
} satisfies Record<string, Variant>;

export type VariantName = keyof typeof variants;
export type CommandLine = readonly [command: string, args: readonly string[]];

/** A variant made ready for this machine. */
export interface NativeBuild {
  readonly name: VariantName;
  readonly label: string;
  readonly commands: typeof gcc;
  /** Its name and version. */
  readonly compiler: string;
  readonly tree: string;
  /** What belongs to native/ in it. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  /** A command line that may run programs of this variant. */
  readonly commandLine: (command: string, ...args: string[]) => CommandLine;
}

/** Options of this environment, with what the user has set coming last and so winning. */
function joined(name: string, options: string): string {
  return [options, process.env[name]].filter(Boolean).join(':');
}

function sanitizerEnvironment(): Record<string, string> {
  const symbolizer = '/usr/lib/llvm-14/bin/llvm-symbolizer';
  const undefinedBehavior = `print_stacktrace=1:external_symbolizer_path=${symbolizer}`;
  return {
    ASAN_SYMBOLIZER_PATH: symbolizer,
    ASAN_OPTIONS: joined('ASAN_OPTIONS', 'detect_stack_use_after_return=1'),
    UBSAN_OPTIONS: joined('UBSAN_OPTIONS', undefinedBehavior),
    TSAN_OPTIONS: joined('TSAN_OPTIONS', `external_symbolizer_path=${symbolizer}`),
  };
}

/** The environment of a program without sanitizers, Node, that loads a library with them. */
export function preloadedSanitizer(build: NativeBuild): Record<string, string> {
  const runtime = 'libclang_rt.asan-x86_64.so';
  const file = runSync('clang-14', [`-print-file-name=${runtime}`]).stdout;
  // For what it does not have, clang prints the bare name.
  if (file === runtime) throw new Error(`clang-14 has no ${runtime}`);
  return {
    ...build.env,
    LD_PRELOAD: file,
    // Node frees little when it ends.
    ASAN_OPTIONS: joined('ASAN_OPTIONS', 'detect_leaks=0'),
  };
}

let isSteady: boolean | undefined;

/**
 * Clang 14's sanitizers want their shadow at fixed addresses, and kernels that randomise more than
 * 28 bits put programs there now and then: "unexpected memory mapping". Where it is allowed
 * (containers often forbid it), programs run without randomisation.
 */
function withSteadyAddresses(command: string, ...args: string[]): CommandLine {
  const setarch = [machine(), '--addr-no-randomize'];
  isSteady ??= outputOf('setarch', ...setarch, 'true') !== undefined;
  return isSteady ? ['setarch', [...setarch, command, ...args]] : [command, args];
}

/** Makes a variant ready: its directories, and how its commands are run. */
export function prepare(name: VariantName): NativeBuild {
  const { label, compiler, sanitized = false }: Variant = variants[name];
  const { stdout: compilerVersion } = runSync(compiler.cxx, ['--version']);
  const key = keyOf([packageRoot, presets, compiler, compilerVersion]);
  const tree = cacheDirectory('builds', `${name}-${key}`);
  return {
    name,
    label,
    commands: compiler,
    compiler: `${compiler.cxx} ${/\d+(\.\d+)+/.exec(compilerVersion)?.[0]}`,
    tree,
    directory: join(tree, 'native'),
    env: sanitized ? sanitizerEnvironment() : {},
    commandLine: sanitized ? withSteadyAddresses : (command, ...args) => [command, args],
  };
}

async function configure(
  { name, tree, commands }: NativeBuild,
  run: Run,
  settings: readonly string[] = [],
): Promise<void> {
  const compilers = [`-DCMAKE_C_COMPILER=${commands.cc}`, `-DCMAKE_CXX_COMPILER=${commands.cxx}`];
  await run('cmake', ['-S', packageRoot, '--preset', name, '-B', tree, ...compilers, ...settings]);
}

/** One at a time in a directory: builds, and the tests that write their results there. */
export function alone<Result>(build: NativeBuild, body: () => Promise<Result>): Promise<Result> {
  return withLock(basename(build.tree), tell, body);
}

/** Configures only: enough for compile_commands.json, which must know the latest list of sources. */
export async function configureNative(build: NativeBuild): Promise<void> {
  const title = `native: configuring ${build.label}`;
  await alone(build, () =>
    step({ title, log: `configure-${build.name}` }, ({ run }) => configure(build, run)),
  );
}

export interface BuildSelection {
  /** Everything, when not given. */
  readonly targets?: readonly string[];
  /** For CMake, beside the preset's. They last, as its cache does. */
  readonly settings?: readonly string[];
}

export async function buildNative(
  build: NativeBuild,
  { targets = [], settings = [] }: BuildSelection = {},
): Promise<void> {
  const title = `native: building ${build.label}`;
  const detail = `${build.compiler}, cached in ${build.tree}`;
  await alone(build, () =>
    step({ title, detail, log: `build-${build.name}` }, async ({ run }) => {
      await configure(build, run, settings);
      const chosen = targets.flatMap((target) => ['--target', target]);
      const parallel = ['--parallel', String(availableParallelism())];
      await run('cmake', ['--build', build.tree, ...parallel, ...chosen]);
    }),
  );
}
