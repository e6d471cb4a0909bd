// This package: every algorithm, in all four ways.
import { createHash } from 'node:crypto';
// Not the whole package: each case is a process, and loading is most of a short one's time.
import { type AlgorithmName, algorithms } from '../../lib/fingerprint/algorithms.js';
import { Hasher } from '../../lib/fingerprint/hasher.js';
import { bytesOf, type Hash, type Implementation, isAsync, modes } from './implementation.js';

const extraKeyBytes = 32;

/** Always the same, unlike a migration's, so that the ways to call ph128 can be seen to agree. */
function keyOf(pageSizeBytes: number): Buffer {
  const key = Buffer.alloc(pageSizeBytes + extraKeyBytes);
  for (let at = 0; at < key.length; at += 32) {
    createHash('sha256').update(`key ${at}`).digest().copy(key, at);
  }
  return key;
}

export function hasherOf(algorithm: AlgorithmName, keyed: boolean, pageSizeBytes: number): Hasher {
  const key = keyed ? keyOf(pageSizeBytes) : undefined;
  return new Hasher({ algorithm, pageSize: pageSizeBytes, key });
}

export function fakedirtyImplementations(): Implementation[] {
  return algorithms().flatMap(({ name, keyed }) =>
    modes.map((mode) => ({
      package: 'fakedirty' as const,
      algorithm: name,
      mode,
      prepare: (pageSizeBytes: number): Hash => {
        const hasher = hasherOf(name, keyed, pageSizeBytes);
        const call = isAsync(mode)
          ? (bytes: Buffer) => hasher.fingerprintAsync(bytes)
          : (bytes: Buffer) => hasher.fingerprint(bytes);
        return { call, digestOf: bytesOf };
      },
    })),
  );
}
