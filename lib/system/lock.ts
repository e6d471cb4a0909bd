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

/** A lock that this process holds until it lets go of it with the end of the block. */
export interface Lock extends AsyncDisposable {
  /** False: whoever held it for this process was killed, and somebody else may have it. */
  readonly isHeld: boolean;
}

/** Undefined: somebody else holds it, and this was not to wait. */
async function hold(file: string, options: readonly string[]): Promise<Lock | undefined> {
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
  let isHeld = true;
  ended.then(() => {
    isHeld = false;
  });
  return {
    get isHeld() {
      return isHeld;
    },
    [Symbol.asyncDispose]: async () => {
      stdin?.end();
      await ended;
    },
  };
}

/** Whoever only looks whether somebody holds a lock is done by then. */
const lookSeconds = 1;

/** Takes the lock of that file; undefined if somebody else holds it. */
export async function tryLock(file: string): Promise<Lock | undefined> {
  return await hold(file, ['--timeout', String(lookSeconds)]);
}

/** Whether somebody holds the lock of that file. Any number of processes may look at the same time. */
export async function isLocked(file: string): Promise<boolean> {
  const lock = await hold(file, ['--shared', '--nonblock']);
  await lock?.[Symbol.asyncDispose]();
  return lock === undefined;
}

/** Runs body while nobody else holds the lock of that name; says so when it has to wait. */
export async function withLock<Result>(
  name: string,
  say: (text: string) => void,
  body: () => Promise<Result>,
): Promise<Result> {
  const file = join(cacheDirectory('locks'), name);
  let lock = await hold(file, ['--nonblock']);
  if (!lock) {
    say(`waiting for another run, which holds ${file}`);
    lock = await hold(file, []);
    if (!lock) throw new LockError(`flock could not lock ${file}`);
  }
  try {
    return await body();
  } finally {
    await lock[Symbol.asyncDispose]();
  }
}
