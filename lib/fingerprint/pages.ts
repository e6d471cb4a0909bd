// Fingerprints in one call, without a hasher.
import { z } from 'zod';
import type { Bytes } from './bytes.js';
import { Hasher, type HasherOptions, hasherShape } from './hasher.js';
import { parseOptions } from './schema.js';
import { type BackgroundOptions, backgroundShape } from './slices.js';

const schema = z.strictObject({ ...hasherShape, ...backgroundShape });

/**
 * The digests of all pages, one after the other. With ph128 and no key, this call has a key of its own: its digests can
 * be compared with each other, and with no others.
 */
export function fingerprintPages(bytes: Bytes, options?: HasherOptions): Buffer {
  using hasher = new Hasher(options);
  return hasher.fingerprint(bytes);
}

/** The same in threads of libuv's pool: it can report progress and be aborted. */
export async function fingerprintPagesAsync(
  bytes: Bytes,
  options?: HasherOptions & BackgroundOptions,
): Promise<Buffer> {
  const { signal, onProgress, threads, ...ofHasher } = parseOptions(schema, options);
  using hasher = new Hasher(ofHasher);
  return await hasher.fingerprintAsync(bytes, { signal, onProgress, threads });
}
