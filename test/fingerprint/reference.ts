// Slow, obvious implementations to compare with, and bytes to compare on.
import { createHash } from 'node:crypto';

/** Bytes that are the same in every run. */
export function randomBytes(count: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(count);
  let state = seed;
  for (let i = 0; i < count; ++i) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

export function pagesOf(bytes: Uint8Array, pageSize: number): Uint8Array[] {
  return Array.from({ length: bytes.length / pageSize }, (_, i) =>
    bytes.subarray(i * pageSize, (i + 1) * pageSize),
  );
}

/** Node's own digests, page by page. */
export function cryptoDigests(algorithm: string, bytes: Uint8Array, pageSize: number): Buffer {
  return Buffer.concat(
    pagesOf(bytes, pageSize).map((page) => createHash(algorithm).update(page).digest()),
  );
}

/** CRC-32, bit by bit. */
export function crc32(page: Uint8Array): Buffer {
  let crc = 0xffffffff;
  for (const byte of page) {
    crc ^= byte;
    for (let bit = 0; bit < 8; ++bit) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  const digest = Buffer.alloc(4);
  digest.writeUInt32BE(~crc >>> 0);
  return digest;
}

function multiply(a: bigint, b: bigint): bigint {
  let product = 0n;
  for (let bit = 0n; bit < 64n; ++bit) if ((b >> bit) & 1n) product ^= a << bit;
  return product;
}

/** Modulo x^64 + x^4 + x^3 + x + 1. */
function reduce(value: bigint): bigint {
  let rest = value;
  for (let bit = 127n; bit >= 64n; --bit) {
    if ((rest >> bit) & 1n) rest ^= ((1n << 64n) | 0x1bn) << (bit - 64n);
  }
  return rest;
}

/** ph128 as the design writes it. */
export function ph128(page: Uint8Array, key: Uint8Array): Buffer {
  const word = (bytes: Uint8Array, i: number) => Buffer.from(bytes).readBigUInt64LE(8 * i);
  const pairs = page.length / 16;
  const digest = Buffer.alloc(16);
  for (const half of [0, 1]) {
    let sum = 0n;
    for (let i = 0; i < pairs; ++i) {
      const k = 2 * (i + half);
      sum ^= multiply(word(page, 2 * i) ^ word(key, k), word(page, 2 * i + 1) ^ word(key, k + 1));
    }
    const low = sum & 0xffff_ffff_ffff_ffffn;
    const folded = reduce(multiply(sum >> 64n, word(key, 2 * pairs + 2 + half))) ^ low;
    digest.writeBigUInt64BE(folded, 8 * half);
  }
  return digest;
}
