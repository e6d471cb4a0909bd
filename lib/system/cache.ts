// The cache: builds, logs and fuzzing corpora live outside the tree, so that a checkout stays clean
// and two checkouts share nothing but what is safe to share.
import { createHash } from 'node:crypto';
import { readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { FakedirtyError } from '../errors/error.js';
import { messageOf } from '../errors/message-of.js';
import { makeDirectory } from './make-directory.js';
import { packageRoot } from './package-root.js';

const daysKept = 30;
const msPerDay = 24 * 60 * 60 * 1000;

function cacheRoot(): string {
  const { FAKEDIRTY_CACHE, XDG_CACHE_HOME } = process.env;
  if (FAKEDIRTY_CACHE) return resolve(FAKEDIRTY_CACHE);
  return join(XDG_CACHE_HOME ? resolve(XDG_CACHE_HOME) : join(homedir(), '.cache'), 'fakedirty');
}

/** A short name for what goes into something: the same parts, the same key. */
export function keyOf(parts: unknown): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 12);
}

/** Two checkouts never build in one directory: CMake binds a build to the path of its source. */
export const checkoutKey = keyOf(packageRoot);

/** The cache can't be made. */
export class CacheError extends FakedirtyError {
  override readonly name = 'CacheError';
  override readonly code = 'ERR_CACHE';
}

/** A directory of the cache, made if need be and marked as used today. */
export function cacheDirectory(...path: string[]): string {
  const directory = join(cacheRoot(), ...path);
  try {
    makeDirectory(directory);
  } catch (cause) {
    const reason = messageOf(cause);
    throw new CacheError(
      `The cache can't be made (${reason}). Set FAKEDIRTY_CACHE to a folder of your own.`,
      { cause },
    );
  }
  const now = new Date();
  utimesSync(directory, now, now);
  return directory;
}

/** Inputs that reproduce a crash are kept for ever; everything else goes when it has not been used. */
export function removeUnused(): void {
  for (const kind of ['builds', 'building', 'corpora', 'logs', 'nodes']) {
    const shelf = cacheDirectory(kind);
    for (const name of readdirSync(shelf)) {
      const directory = join(shelf, name);
      const unusedMs = Date.now() - (statSync(directory, { throwIfNoEntry: false })?.mtimeMs ?? 0);
      if (unusedMs > daysKept * msPerDay) rmSync(directory, { recursive: true, force: true });
    }
  }
}
