// What else a TypeScript user could take: each in the fastest way that its documentation shows.
import crypto from 'node:crypto';
import { createRequire } from 'node:module';
import zlib from 'node:zlib';
import crc32 from 'crc-32';
import murmur from 'murmurhash3js-revisited';
import type { AlgorithmName } from '../../lib/index.js';
import { type Implementation, pageByPage } from './implementation.js';

type OneShot = (algorithm: string, data: Buffer, outputEncoding: 'buffer') => Buffer;

function cryptoImplementation(algorithm: AlgorithmName): Implementation {
  // Newer Nodes hash in one call, which costs less than an object for each page.
  const oneShot = Reflect.get(crypto, 'hash') as OneShot | undefined;
  const call = oneShot
    ? (page: Buffer) => oneShot(algorithm, page, 'buffer')
    : (page: Buffer) => crypto.createHash(algorithm).update(page).digest();
  return pageByPage('node:crypto', algorithm, call);
}

function zlibImplementations(): Implementation[] {
  // Since Node 20.15.
  const zlibCrc32 = Reflect.get(zlib, 'crc32') as ((data: Buffer) => number) | undefined;
  return zlibCrc32 ? [pageByPage('node:zlib', 'crc32', (page) => zlibCrc32(page))] : [];
}

function xxhashImplementations(): Implementation[] {
  // A CommonJS module that finds its binary as it loads.
  const xxhash = createRequire(import.meta.url)('xxhash-addon') as typeof import('xxhash-addon');
  return [
    pageByPage('xxhash-addon', 'xxh3-128', (page) => xxhash.XXHash128.hash(page)),
    pageByPage('xxhash-addon', 'xxh3-64', (page) => xxhash.XXHash3.hash(page)),
    pageByPage('xxhash-addon', 'xxh64', (page) => xxhash.XXHash64.hash(page)),
    pageByPage('xxhash-addon', 'xxh32', (page) => xxhash.XXHash32.hash(page)),
  ];
}

function murmurImplementations(): Implementation[] {
  // Otherwise it looks at every byte twice. Its types don't know this switch.
  Reflect.set(murmur, 'inputValidation', false);
  const { x64, x86 } = murmur;
  return [
    pageByPage('murmurhash3js-revisited', 'murmur3-128', (page) => x64.hash128(page)),
    pageByPage('murmurhash3js-revisited', 'murmur3-32', (page) => x86.hash32(page)),
  ];
}

export function rivalImplementations(): Implementation[] {
  return [
    ...xxhashImplementations(),
    ...(['sha256', 'sha1', 'md5'] as const).map(cryptoImplementation),
    ...murmurImplementations(),
    pageByPage('crc-32', 'crc32', (page) => crc32.buf(page)),
    ...zlibImplementations(),
  ];
}
