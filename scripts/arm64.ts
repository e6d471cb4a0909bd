// 64-bit Arm, for which an x64 machine cross-compiles: the addon that the package carries, and the native tests, which
// run in QEMU's user mode. A machine that is one itself needs none of this.
import { join } from 'node:path';
import { unpackedPackages } from '../lib/lab/guest/debian/packages.js';
import { GuestImageError } from '../lib/lab/guest/guest-image-error.js';
import { tell } from '../lib/system/step.js';
import { buildNative, prepare } from './native.js';
import { testNative } from './native-tests.js';
import { oneSkip, Tally } from './results.js';

/** Whether this machine cross-compiles for 64-bit Arm. */
export const crossCompilesArm64 = process.arch === 'x64';

/** Debian packages for compiling, and for running what was compiled. They change nothing else on this machine. */
export const arm64Compiler = crossCompilesArm64 ? ['g++-aarch64-linux-gnu'] : [];
export const arm64Emulator = crossCompilesArm64 ? ['qemu-user'] : [];

/** What the native tests compare digests with. */
const otherImplementations = ['libssl-dev', 'zlib1g-dev', 'libxxhash-dev'];

/** Builds the addon alone, and returns its path. */
export async function buildArm64Addon(): Promise<string> {
  const build = prepare('arm64');
  await buildNative(build, { targets: ['fakedirty_addon'] });
  return join(build.directory, 'addon', 'build', 'Release', 'fakedirty.node');
}

/** Unpacked in the cache: to install them, dpkg would have to be told that this machine takes two architectures. */
function unpackedLibraries(): Promise<string> {
  return unpackedPackages({
    names: otherImplementations,
    withDependencies: false,
    architecture: 'arm64',
    log: (text) => tell(`setup: ${text} for arm64`),
  });
}

/** Builds library and tests, and runs the tests in the emulator. */
export async function testArm64(): Promise<Tally> {
  const name = '64-bit Arm: native tests';
  if (!crossCompilesArm64) return Tally.of([oneSkip(name, 'only x64 cross-compiles for it')]);
  const build = prepare('arm64');
  try {
    const libraries = `-DFAKEDIRTY_ARM64_LIBRARIES=${await unpackedLibraries()}`;
    await buildNative(build, { settings: ['-DFAKEDIRTY_TESTS=ON', libraries] });
  } catch (error) {
    if (error instanceof GuestImageError) return Tally.of([oneSkip(name, error.message)]);
    throw error;
  }
  return testNative(build);
}
