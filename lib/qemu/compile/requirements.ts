// What a build needs of this machine: programs and libraries, and room on the disk.

import { existsSync, statfsSync } from 'node:fs';
import { messageOf } from '../../errors/message-of.js';
import { gibibyte } from '../../format/bytes.js';
import { ensureDebianPackages } from '../../system/debian-packages.js';
import { outputOf } from '../../system/processes.js';
import { tell } from '../../system/step.js';
import { QemuBuildError } from './errors.js';

export interface Requirement {
  /** A program, a pkg-config module, or a header. */
  readonly name: string;
  readonly present: boolean;
  readonly version: string | undefined;
}

/** Debian packages that libfakedirty is built with, and those for a QEMU for x86 without its default features. */
export const libraryPackages = ['g++', 'make', 'python3', 'libhwy-dev', 'libxxhash-dev'];
export const qemuPackages = [
  ...libraryPackages,
  'cmake',
  'ninja-build',
  'meson',
  'pkg-config',
  'python3-venv',
  'libglib2.0-dev',
  'libpixman-1-dev',
  'libfdt-dev',
  'zlib1g-dev',
  'libzstd-dev',
  'libgnutls28-dev',
  'patch',
  'xz-utils',
  // These fetch QEMU's source from Debian, which moved the firmware into the package seabios.
  'dpkg-dev',
  'seabios',
];

const programs = [
  'cc',
  'c++',
  'cmake',
  'ninja',
  'meson',
  'python3',
  'pkg-config',
  'patch',
  'tar',
  'xz',
];
const modules = ['glib-2.0', 'pixman-1', 'zlib', 'libzstd', 'gnutls'];
const headers = ['/usr/include/libfdt.h', '/usr/include/hwy/highway.h', '/usr/include/xxhash.h'];
/** A tree and its objects, for one target. */
const neededBytes = 2 * gibibyte;

function firstLine(command: string, ...args: string[]): string | undefined {
  return outputOf(command, ...args)?.split('\n', 1)[0];
}

/** What a build needs, and whether it is here. */
export function requirements(): Requirement[] {
  const found = (name: string, version: string | undefined) => ({
    name,
    version,
    present: version !== undefined,
  });
  return [
    ...programs.map((name) => found(name, firstLine(name, '--version'))),
    ...modules.map((name) => found(name, firstLine('pkg-config', '--modversion', name))),
    ...headers.map((name) => found(name, existsSync(name) ? 'present' : undefined)),
  ];
}

/** Makes sure that all of it is here; installs it where it can and may. */
export async function ensureRequirements(mayInstall: boolean): Promise<void> {
  const missing = requirements().filter(({ present }) => !present);
  if (missing.length === 0) return;
  const names = missing.map(({ name }) => name).join(', ');
  const advice = `apt-get install --no-install-recommends ${qemuPackages.join(' ')}`;
  if (!mayInstall) {
    throw new QemuBuildError('missing-tools', `These are missing: ${names}. On Debian: ${advice}`);
  }
  tell(`missing: ${names}`);
  try {
    await ensureDebianPackages(qemuPackages);
  } catch (cause) {
    const reason = messageOf(cause);
    throw new QemuBuildError('missing-tools', `These are missing: ${names}. ${reason}`, { cause });
  }
  const still = requirements().filter(({ present }) => !present);
  if (still.length > 0) {
    throw new QemuBuildError(
      'missing-tools',
      `Packages are installed, but these are still missing: ${still.map(({ name }) => name).join(', ')}.`,
    );
  }
}

/** The compiler, as it names itself. */
export function compilerVersion(): string {
  const { CC: compiler = 'cc' } = process.env;
  return firstLine(compiler, '--version') ?? compiler;
}

export function ensureRoom(directory: string): void {
  const { bavail, bsize } = statfsSync(directory);
  const free = bavail * bsize;
  if (free >= neededBytes) return;
  throw new QemuBuildError(
    'disk-full',
    `A build takes about ${(neededBytes / gibibyte).toFixed(0)} GiB, and ${directory} has ` +
      `${(free / gibibyte).toFixed(1)} GiB left. Free some, or set FAKEDIRTY_CACHE to a larger place.`,
  );
}
