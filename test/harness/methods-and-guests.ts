// The algorithms, methods and guests that tests combine, in an order in which each part of the list has a bit of
// everything.
import { mebibyte } from '../../lib/format/bytes.js';
import type { GuestOptions } from '../../lib/qemu/machine/guest.js';
import type { MigrationMethod } from './migration-plan.js';

export const algorithms = [
  'ph128',
  'sha1',
  'xxh3-64',
  'md5',
  'crc32',
  'murmur3-128',
  'xxh3-128',
  'sha256',
  'xxh32',
  'xxh64',
  'murmur3-32',
] as const;

/** Whether its fingerprints have more than 32 bits. */
export function isStrong(algorithm: (typeof algorithms)[number]): boolean {
  return !['crc32', 'murmur3-32', 'xxh32'].includes(algorithm);
}

export interface Method extends MigrationMethod {
  readonly name: string;
  /** QEMU refuses it together with post-copy. */
  readonly preCopyOnly?: boolean;
}

function multifd(compression: 'none' | 'zlib' | 'zstd'): Method {
  return {
    name: `multifd ${compression}`,
    preCopyOnly: true,
    multifd: { channels: 2, compression },
  };
}

export const methods: readonly Method[] = [
  { name: 'plain' },
  { name: 'xbzrle', xbzrle: { cacheBytes: 32 * mebibyte } },
  {
    name: 'compress',
    preCopyOnly: true,
    capabilities: { compress: true },
    parameters: { 'compress-level': 1, 'compress-threads': 2 },
  },
  multifd('none'),
  multifd('zlib'),
  multifd('zstd'),
  { name: 'TLS', tls: true },
  { ...multifd('none'), name: 'multifd with TLS', tls: true },
];

/** Most flip: values that come back while their pages are in flight are what a filter gets wrong. */
export const guests: readonly (GuestOptions & { readonly name: string })[] = [
  { name: 'flips a word in each page', pattern: 'flip', pages: 2048 },
  { name: 'rewrites the same values', pattern: 'rewrite', pages: 2048, wordsPerPage: 16 },
  { name: 'writes random values', pattern: 'random', pages: 2048, wordsPerPage: 8 },
  { name: 'makes pages zero and back', pattern: 'zero', pages: 2048 },
  { name: 'does nothing', pattern: 'idle', pages: 2048 },
];

export interface Combination {
  readonly algorithm: (typeof algorithms)[number];
  readonly method: Method;
  readonly guest: (typeof guests)[number];
}

/** How many there are; more than that begin anew with other seeds. */
export const allCombinations = algorithms.length * methods.length * guests.length;

function at<T>(list: readonly T[], index: number): T {
  return list[index % list.length] as T;
}

/** The first `count`: all pairs of method and guest, then the same with other algorithms, and so on. */
export function combinations(count: number): Combination[] {
  const pairs = methods.length * guests.length;
  return Array.from({ length: count }, (_, index) => ({
    algorithm: at(algorithms, (index % pairs) + Math.floor(index / pairs)),
    method: at(methods, index),
    guest: { ...at(guests, index), seed: 1 + index },
  }));
}

/** With their names first, for the titles of tests. */
export function byName<T extends { readonly name: string }>(list: readonly T[]): [string, T][] {
  return list.map((one) => [one.name, one]);
}

/** All of a list in long runs; in other runs the entries with these numbers. */
export function some<T>(list: readonly T[], byDefault: readonly number[]): T[] {
  const { FAKEDIRTY_LONG } = process.env;
  return FAKEDIRTY_LONG === '1' ? [...list] : list.filter((_, index) => byDefault.includes(index));
}
