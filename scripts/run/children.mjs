// Child processes, each the head of a group of its own: when this process is told to stop, whole
// groups are stopped, so that no compiler or test is left behind.
import { spawn } from 'node:child_process';
import { repository } from './cache.mjs';

const graceMs = 3000;
const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };

/** Running child -> the id that kill(2) takes for all of it. */
const running = new Map();
let stopping = false;

function signalAll(signal) {
  for (const id of running.values()) {
    try {
      process.kill(id, signal);
    } catch {
      // It has ended in the meantime.
    }
  }
}

function stop(signal) {
  const again = stopping;
  stopping = true;
  const finish = () => {
    signalAll('SIGKILL');
    process.exit(exitCodes[signal]);
  };
  if (again || running.size === 0) finish();
  console.log(`\nstopping (${signal}) ...`);
  signalAll('SIGTERM');
  setTimeout(finish, graceMs);
  setInterval(() => running.size === 0 && finish(), 20);
}

for (const signal of Object.keys(exitCodes)) process.on(signal, stop);

// npm passes a signal on to the shell that it started, and the shell dies without passing it on.
if (process.env.npm_lifecycle_event) {
  const parent = process.ppid;
  setInterval(() => !stopping && process.ppid !== parent && stop('SIGTERM'), 500).unref();
}
process.on('exit', () => signalAll('SIGKILL'));

/** Runs a command to its end; answers its exit code, or the signal that ended it. */
export function runChild(command, args, { cwd, env, stdio, ownGroup = true }) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: cwd ?? repository,
      env: { ...process.env, ...env },
      stdio,
      detached: ownGroup,
    });
    child.once('error', (cause) => {
      running.delete(child);
      reject(new Error(`${command} cannot be run: ${cause.message}`, { cause }));
    });
    if (child.pid === undefined) return;
    running.set(child, ownGroup ? -child.pid : child.pid);
    child.once('close', (exitCode, signal) => {
      // What the head of the group has left behind goes with it.
      if (ownGroup) {
        try {
          process.kill(-child.pid, 'SIGKILL');
        } catch {
          // Nothing was.
        }
      }
      running.delete(child);
      // While stopping nobody is answered: a step that was interrupted has not failed.
      if (!stopping) resolve({ exitCode, signal });
    });
  });
}
