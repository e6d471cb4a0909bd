// Loads the Node-API addon (native/addon), and gives it types.
import { createRequire } from 'node:module';
import { FakedirtyError } from '../errors/error.js';
import { findPackageRoot, unbundle } from '../system/find-package-root.js';

/** What libfakedirty says of a fingerprint algorithm. */
export interface NativeAlgorithm {
  readonly name: string;
  readonly digestBytes: number;
  readonly seedBits: number;
  readonly keyed: boolean;
  readonly collisionBits: number | null;
  readonly production: boolean;
}

/** Pages for a background thread: a view and whether its memory is shared, or a range of a file. */
export type NativeSource =
  | [view: Uint8Array, shared: boolean]
  | [file: NativeMappedFile, offset: number, bytes: number];

export interface NativeHasher {
  target(): string;
  lanes(): number;
  digest(bytes: Uint8Array, into: Uint8Array, firstPage: number, pages: number): void;
  digestInBackground(...source: NativeSource): Promise<Uint8Array>;
  close(): void;
}

/** Opaque: what was seen, on its way to a commit. */
export interface NativeCheck {
  readonly opaque: unique symbol;
}

export interface NativeStatistics {
  readonly pages: number;
  readonly unknown: number;
  readonly zero: number;
  readonly known: number;
  readonly falseSkips: number;
  readonly bytes: number;
}

/** Which slots: the first of consecutive ones, or all. */
export type NativeIndex = number | Float64Array;

export interface NativeCheckResult {
  readonly verdicts: Uint8Array;
  /** Absent when it is committed already. */
  readonly check?: NativeCheck;
}

export interface NativeTable {
  check(index: NativeIndex, commit: boolean, pages: Uint8Array, live: boolean): NativeCheckResult;
  checkInBackground(
    index: NativeIndex,
    commit: boolean,
    ...source: NativeSource
  ): Promise<NativeCheckResult>;
  commit(check: NativeCheck, sent: Uint8Array | null): void;
  invalidate(first: number, pages: number): void;
  reset(): void;
  statistics(): NativeStatistics;
  close(): void;
}

export interface NativeMappedFile {
  bytes(): number;
  hasShrunk(): boolean;
  close(): void;
}

export interface NativeAddon {
  version(): string;
  algorithms(): NativeAlgorithm[];
  targets(): string[];
  keyBytes(algorithm: number, pageSize: number): number;
  Hasher: new (
    algorithm: number,
    pageSize: number,
    seed: bigint,
    key: Uint8Array | null,
    target: string | null,
  ) => NativeHasher;
  Table: new (hasher: NativeHasher, pages: number, verify: boolean) => NativeTable;
  MappedFile: new (path: string) => NativeMappedFile;
}

/** There is no native addon for this machine, or it does not load. */
export class NativeAddonError extends FakedirtyError {
  override readonly name = 'NativeAddonError';
  override readonly code = 'ERR_NO_ADDON';
}

/** What decides whether a binary runs. */
export interface Machine {
  readonly platform: string;
  readonly arch: string;
  /** Undefined: its C library is another one. */
  readonly glibc?: string | undefined;
}

/** What the package carries: binaries for Linux with this glibc or a newer one. */
export const prebuilt = { archs: ['x64', 'arm64'], glibc: '2.33' };

function thisMachine(): Machine {
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } };
  const { platform, arch } = process;
  return { platform, arch, glibc: report?.header?.glibcVersionRuntime };
}

function nameOf({ platform, arch, glibc }: Machine): string {
  const libc = platform === 'linux' ? `, ${glibc ? `glibc ${glibc}` : 'no glibc'}` : '';
  return `${platform}-${arch}${libc}`;
}

function isOlder(version: string, than: string): boolean {
  return version.localeCompare(than, 'en', { numeric: true }) < 0;
}

/** Why the package carries no binary for a machine; undefined: it does. */
function whyNone({ arch, glibc }: Machine): string | undefined {
  if (!prebuilt.archs.includes(arch)) return `there is none for ${arch}.`;
  if (glibc === undefined) return 'there is none for musl or another C library.';
  if (isOlder(glibc, prebuilt.glibc)) return `glibc ${glibc} is too old for them.`;
  return undefined;
}

/** What somebody does about an addon that does not load. */
export function adviceFor(machine: Machine, directory: string): string[] {
  if (machine.platform !== 'linux') {
    return [
      'Fingerprints need Linux. What drives migrations works without them: fakedirty/qmp, fakedirty/migration,',
      'fakedirty/policy, fakedirty/strategy and fakedirty/monitor.',
    ];
  }
  const binaries = `linux-${prebuilt.archs.join(' and linux-')} with glibc ${prebuilt.glibc} or newer`;
  return [
    `Binaries come with the package for ${binaries}; ${whyNone(machine) ?? 'this machine is one of them: see the reason above.'}`,
    'To build one, install a C++17 compiler, make, Python 3 and the headers of Highway and xxHash',
    '  Debian: apt-get install g++ make python3 libhwy-dev libxxhash-dev',
    '  Alpine: apk add g++ make python3 highway-dev xxhash-dev',
    'and run node-gyp where the package lies:',
    `  cd ${directory} && npx node-gyp rebuild --directory native`,
  ];
}

/** Loads the addon of a package directory, or says what was tried, why it failed and what to do. */
export function loadAddon(directory: string): NativeAddon {
  const require = createRequire(import.meta.url);
  try {
    const load = require('node-gyp-build') as (directory: string) => NativeAddon;
    return load(directory);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n', 1)[0] : String(cause);
    const machine = thisMachine();
    throw new NativeAddonError(
      [
        `fakedirty has no native addon that loads on this machine (${nameOf(machine)}, Node ${process.versions.node}).`,
        `Tried: build/Release and prebuilds in ${directory}: ${reason}`,
        ...adviceFor(machine, directory),
      ].join('\n'),
      { cause },
    );
  }
}

function ownDirectory(): string {
  const directory = findPackageRoot();
  if (directory !== undefined) return directory;
  throw new NativeAddonError(
    `fakedirty has been bundled into another program, without its native addon. ${unbundle}`,
  );
}

let loaded: NativeAddon | undefined;

/** The addon, loaded when it is first needed: an import of this package loads none. */
export function native(): NativeAddon {
  loaded ??= loadAddon(ownDirectory());
  return loaded;
}
