// Locks between runs: flock(1), which Debian always has, holds one for as long as a pipe from this
// process is open. The kernel lets go when this process ends, however it ends: no lock is stale.
import { join } from 'node:path';
import { FakedirtyError } from '../errors/error.js';
import { cacheDirectory } from './cache.js';
import { startCompanion } from './companion.js';

/** The lock that makes one run wait for another cannot be taken. */
export class LockError extends FakedirtyError {
  override readonly name = 'LockError';
  override readonly code = 'ERR_LOCK';
}

type Release = () => Promise<void>;

/** Undefined: somebody else holds it, and this was not to wait. */
async function hold(file: string, options: readonly string[]): Promise<Release | undefined> {
  let say = () => {};
  const held = new Promise<true>((resolve) => {
    say = () => resolve(true);
  });
  const script = ['sh', '-c', 'echo held && exec cat'];
  const { stdin, ended } = await startCompanion(['flock', ...options, file, ...script], {
    stdin: 'pipe',
    onLine: say,
  });
  if (!(await Promise.race([held, ended.then(() => false)]))) return undefined;
  return async () => {
    stdin?.end();
    await ended;
  };
}

/** Takes the lock of that file; undefined if somebody else holds it. Let go of it with the end of the block. */
export async function tryLock(file: string): Promise<AsyncDisposable | undefined> {
  const release = await hold(file, ['--nonblock']);
  return release && { [Symbol.asyncDispose]: release };
}

/** Runs body while nobody else holds the lock of that name; says so when it has to wait. */
export async function withLock<Result>(
  name: string,
  say: (text: string) => void,
  body: () => Promise<Result>,
): Promise<Result> {
  const file = join(cacheDirectory('locks'), name);
  let release = await hold(file, ['--nonblock']);
  if (!release) {
    say(`waiting for another run, which holds ${file}`);
    release = await hold(file, []);
    if (!release) throw new LockError(`flock could not lock ${file}`);
  }
  try {
    return await body();
  } finally {
    await release();
  }
}
