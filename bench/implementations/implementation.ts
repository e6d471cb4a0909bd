// What is compared: an algorithm, in somebody's package, called in one of four ways.
import type { AlgorithmName } from '../../lib/index.js';

export const packageNames = [
  'fakedirty',
  'xxhash-addon',
  'crc-32',
  'murmurhash3js-revisited',
  'node:crypto',
  'node:zlib',
] as const;

export type PackageName = (typeof packageNames)[number];

/** One page a call or many, waiting in this thread or for another one. */
export const modes = ['batch', 'page', 'batch-async', 'page-async'] as const;

export type Mode = (typeof modes)[number];

/** Ready to be called: with one page, or with many that lie one behind another. */
export interface Hash {
  /** As a user calls it: what is timed. */
  readonly call: (bytes: Buffer) => unknown;
  /** The bytes of what a call answered, in the order in which the algorithm's own tools print them. */
  readonly digestOf: (answer: unknown) => Uint8Array;
}

export interface Implementation {
  readonly package: PackageName;
  readonly algorithm: AlgorithmName;
  readonly mode: Mode;
  readonly prepare: (pageSizeBytes: number) => Hash;
}

export type ImplementationName = Pick<Implementation, 'package' | 'algorithm' | 'mode'>;

export function takesBatches(mode: Mode): boolean {
  return mode === 'batch' || mode === 'batch-async';
}

export function isAsync(mode: Mode): boolean {
  return mode === 'batch-async' || mode === 'page-async';
}

/** "sha1, fakedirty, batch": for messages, and to find it again. */
export function nameOf({ algorithm, package: from, mode }: ImplementationName): string {
  return `${algorithm}, ${from}, ${mode}`;
}

/** One page a call, from a function that returns bytes, hexadecimal digits or a number of 32 bits. */
export function pageByPage(
  from: PackageName,
  algorithm: AlgorithmName,
  call: (page: Buffer) => Uint8Array | string | number,
): Implementation {
  return { package: from, algorithm, mode: 'page', prepare: () => ({ call, digestOf: bytesOf }) };
}

export function bytesOf(answer: unknown): Uint8Array {
  if (answer instanceof Uint8Array) return answer;
  if (typeof answer === 'string') return Buffer.from(answer, 'hex');
  if (typeof answer !== 'number') throw new TypeError(`a digest that is ${String(answer)}`);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(answer >>> 0);
  return bytes;
}
