// Locks between runs: flock(1), which Debian always has, holds one for as long as a pipe from this
// process is open. The kernel lets go when this process ends, however it ends: no lock is stale.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { cacheDirectory } from './cache.mjs';

async function hold(file, options) {
  const holder = spawn('flock', [...options, file, 'sh', '-c', 'echo held && exec cat >&2'], {
    // Out of reach of Ctrl-C: the lock is held until this process has stopped its own children.
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const ended = once(holder, 'close');
  const held = once(holder.stdout, 'data').then(() => true);
  if (!(await Promise.race([held, ended.then(() => false)]))) return null;
  return async () => {
    holder.stdin.end();
    await ended;
  };
}

/** Runs body while nobody else holds the lock of that name; says so when it has to wait. */
export async function withLock(name, say, body) {
  const file = join(cacheDirectory('locks'), name);
  let release = await hold(file, ['--nonblock']);
  if (!release) {
    say(`waiting for another run, which holds ${file}`);
    release = await hold(file, []);
    if (!release) throw new Error(`flock could not lock ${file}`);
  }
  try {
    return await body();
  } finally {
    await release();
  }
}
