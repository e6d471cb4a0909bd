// Loads the Node-API addon (native/addon), and gives it types.
import { createRequire } from 'node:module';
import { FakedirtyError } from '../errors/error.js';
import { packageRoot } from '../system/package-root.js';

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

export interface NativeCounts {
  readonly pages: number;
  readonly unknown: number;
  readonly zero: number;
  readonly known: number;
  readonly falseSkips: number;
  readonly bytes: number;
}

/** Which slots: the first of consecutive ones, or all. */
export type NativeIndex = number | Float64Array;

export interface NativeLook {
  readonly verdicts: Uint8Array;
  /** Absent when it is committed already. */
  readonly check?: NativeCheck;
}

export interface NativeTable {
  look(index: NativeIndex, commit: boolean, pages: Uint8Array, live: boolean): NativeLook;
  lookInBackground(
    index: NativeIndex,
    commit: boolean,
    ...source: NativeSource
  ): Promise<NativeLook>;
  commit(check: NativeCheck, sent: Uint8Array | null): void;
  invalidate(first: number, pages: number): void;
  forget(): void;
  count(): NativeCounts;
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

// lib/fingerprint and dist/fingerprint lie equally deep, so one path serves the sources and the build.

function platform(): string {
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } };
  const glibc = report?.header?.glibcVersionRuntime;
  const libc = process.platform === 'linux' ? `, ${glibc ? `glibc ${glibc}` : 'no glibc'}` : '';
  return `${process.platform}-${process.arch}${libc}, Node ${process.versions.node}`;
}

/** Loads the addon of a package directory, or says what was tried, why it failed and what to do. */
export function loadAddon(directory: string): NativeAddon {
  const require = createRequire(import.meta.url);
  try {
    const load = require('node-gyp-build') as (directory: string) => NativeAddon;
    return load(directory);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n', 1)[0] : String(cause);
    throw new NativeAddonError(
      [
        `fakedirty has no native addon that loads on this machine (${platform()}).`,
        `Tried: build/Release and prebuilds in ${directory}: ${reason}`,
        'A binary comes with the package for linux-x64 with glibc 2.33 or newer. Elsewhere, install a C++17',
        'compiler, make, Python 3 and the headers of Highway and xxHash (Debian: apt-get install',
        'g++ make python3 libhwy-dev libxxhash-dev), then build the addon where the package lies:',
        `  cd ${directory} && npx node-gyp rebuild`,
      ].join('\n'),
      { cause },
    );
  }
}

let loaded: NativeAddon | undefined;

/** The addon, loaded when it is first needed: an import of this package loads none. */
export function native(): NativeAddon {
  loaded ??= loadAddon(packageRoot);
  return loaded;
}
