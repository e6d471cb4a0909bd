// What is built here beside the native library: dist/, the addon, the addons that the package carries, and QEMUs for the
// tests; and the packages of Debian that each kind of work needs.
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { libraryPackages, qemuPackages } from '../lib/qemu/compile/requirements.js';
import { cacheDirectory, checkoutKey } from '../lib/system/cache.js';
import { withLock } from '../lib/system/lock.js';
import { packageRoot } from '../lib/system/package-root.js';
import { step, tell } from '../lib/system/step.js';
import { arm64Compiler, arm64Emulator, buildArm64Addon, crossCompilesArm64 } from './arm64.js';

/** The addon for another processor is built by CMake. */
const crossCompilation = crossCompilesArm64 ? ['cmake', 'ninja-build', ...arm64Compiler] : [];
const native = [
  ...libraryPackages,
  'cmake',
  'ninja-build',
  'pkg-config',
  'libssl-dev',
  'zlib1g-dev',
  'libbenchmark-dev',
  'libgtest-dev',
  // The sources are compiled with its headers, too.
  'musl-dev',
  // Debian has it for amd64 alone.
  ...(process.arch === 'x64' ? ['libisal-dev'] : []),
];
/** The lab (lib/lab): hosts in network namespaces, and VMs on them. */
const lab = ['iproute2', 'qemu-system-x86', 'gcc', 'binutils'];
const formatters = ['clang-format-14'];
const checks = [
  ...native,
  // The tests of `fakedirty qemu build` go as far as QEMU's own configure.
  ...qemuPackages,
  ...lab,
  // The lab's report is looked at in a browser.
  'chromium',
  'fonts-dejavu-core',
  ...formatters,
  'clang-14',
  'clang-tidy-14',
  'libclang-rt-14-dev',
  'llvm-14',
  // An unpatched QEMU, as people have it: what drives QEMU is tested with that too.
  'qemu-system-x86',
  // Moves between hosts of libvirt; nothing of it is started on this machine itself.
  'libvirt-daemon-driver-qemu',
  'libvirt-clients',
  ...arm64Compiler,
  ...arm64Emulator,
];

/** What each kind of work needs. */
export const packagesFor = {
  addon: libraryPackages,
  prebuilds: [...libraryPackages, ...crossCompilation],
  native,
  qemu: qemuPackages,
  lab,
  formatters,
  checks,
};

/** The script of an installed npm package, to be run with this Node. */
export function packageScript(...path: string[]): string {
  return join(packageRoot, 'node_modules', ...path);
}

export async function buildTypescript(): Promise<void> {
  await step({ title: 'build: TypeScript', log: 'tsc' }, async ({ run }) => {
    // What has no source any more must not linger in the package.
    rmSync(join(packageRoot, 'dist'), { recursive: true, force: true });
    const tsc = packageScript('typescript', 'bin', 'tsc');
    await run(process.execPath, [tsc, '--project', 'tsconfig.build.json']);
  });
}

// node-gyp insists on this file; binding.gyp sets every flag that matters itself.
const commonGypi = `{
  'target_defaults': {
    'default_configuration': 'Release',
    'configurations': { 'Debug': {}, 'Release': {} },
  },
}
`;

/**
 * Lays the headers out as node-gyp expects them of an installed Node. They come from the package node-api-headers: the
 * same for every Node, and nothing is downloaded for it.
 */
function nodeDirectory(): string {
  const directory = cacheDirectory('node-headers', checkoutKey);
  const include = join(directory, 'include', 'node');
  cpSync(packageScript('node-api-headers', 'include'), include, {
    recursive: true,
    preserveTimestamps: true,
  });
  writeFileSync(join(include, 'common.gypi'), commonGypi);
  return directory;
}

/** npm's settings reach node-gyp through the environment and would win over its arguments. */
function withoutNpmSettings(): Record<string, undefined> {
  const settings = Object.keys(process.env).filter((name) =>
    /^npm_(config|package_config_node_gyp)_/i.test(name),
  );
  return Object.fromEntries(settings.map((name) => [name, undefined]));
}

/** The Node-API addon: node-gyp builds it into build/Release. */
export async function buildAddon(): Promise<void> {
  await withLock(`addon-${checkoutKey}`, tell, () =>
    step({ title: 'addon: building', log: 'addon' }, ({ run }) => {
      const nodeGyp = packageScript('node-gyp', 'bin', 'node-gyp.js');
      const args = [
        'configure',
        'build',
        `--directory=${join(packageRoot, 'native')}`,
        '--release',
        `--nodedir=${nodeDirectory()}`,
        // The directory holds no config.gypi: the running Node's own settings serve.
        '--force-process-config',
        `--jobs=${availableParallelism()}`,
      ];
      const env = withoutNpmSettings();
      return run(process.execPath, [nodeGyp, ...args], { env });
    }),
  );
}

/** The addons that the package carries: prebuilds/PLATFORM-ARCH/fakedirty.LIBC.node, where node-gyp-build looks for them. */
export async function prebuildAddons(): Promise<void> {
  const own = join(packageRoot, 'build', 'Release', 'fakedirty.node');
  const built = [{ arch: process.arch as string, addon: own, strip: 'strip' }];
  if (crossCompilesArm64) {
    const addon = await buildArm64Addon();
    built.push({ arch: 'arm64', addon, strip: 'aarch64-linux-gnu-strip' });
  }
  await step({ title: 'addon: stripping for the package', log: 'prebuild' }, async ({ run }) => {
    const shelf = join(packageRoot, 'prebuilds');
    rmSync(shelf, { recursive: true, force: true });
    const sizes: string[] = [];
    for (const { arch, addon, strip } of built) {
      const directory = join(shelf, `${process.platform}-${arch}`);
      mkdirSync(directory, { recursive: true });
      const stripped = join(directory, 'fakedirty.glibc.node');
      copyFileSync(addon, stripped);
      await run(strip, ['--strip-unneeded', stripped]);
      sizes.push(`${process.platform}-${arch} ${Math.round(statSync(stripped).size / 1000)} kB`);
    }
    return { summary: sizes.join(', ') };
  });
}

/** What `fakedirty qemu build` ends with when tools or sources are not to be had here. */
const notHere: ReadonlySet<number | null> = new Set([3, 4]);

/** The lines of the command's own steps that say how far it is. */
function progress(endOfLog: string): string | undefined {
  return endOfLog
    .trimEnd()
    .split('\n')
    .at(-1)
    ?.replace(/^ *\.\.\. /, 'of these ');
}

interface Missing {
  readonly missing: string;
  readonly summary: string;
}

/** Builds a QEMU by the command that users have, from dist/. What is missing here; undefined when it has been built. */
export function buildQemu(title: string, options: readonly string[]): Promise<Missing | undefined> {
  return step({ title, log: 'qemu-build', progress }, async ({ run, log }) => {
    const main = join(packageRoot, 'dist', 'cli', 'main.js');
    const args = [main, 'qemu', 'build', ...options];
    const exitCode = await run(process.execPath, args, { mayFail: true });
    if (exitCode === 0) return undefined;
    const errors = [...readFileSync(log, 'utf8').matchAll(/^error: (.*)$/gm)];
    const [, missing = 'unknown'] = errors.at(-1) ?? [];
    if (notHere.has(exitCode)) return { missing, summary: 'not possible here' };
    throw new Error(`fakedirty qemu build ended with exit code ${exitCode}`);
  });
}
