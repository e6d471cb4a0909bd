// Processes that outlive this one, such as QEMUs that have a guest: started in a session of their own, found again by
// their command line, and ended by their identity alone.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { identityOf, isAlive, type ProcessIdentity } from './owner.js';
import { cannotRun } from './processes.js';

const pollMs = 20;

function begun(command: string, child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('spawn', () => resolve());
    child.once('error', (error) => reject(cannotRun(command, error)));
  });
}

/** Starts one, which writes to that file. */
export async function startDetached(
  words: readonly string[],
  logFile: string,
): Promise<ProcessIdentity> {
  const [command = '', ...args] = words;
  const log = openSync(logFile, 'a', 0o600);
  try {
    const child = spawn(command, args, { detached: true, cwd: '/', stdio: ['ignore', log, log] });
    await begun(command, child);
    child.unref();
    const { pid = 0 } = child;
    const identity = identityOf(pid);
    // It has ended already: what it wrote says why.
    return identity ?? { pid, start: '0', namespace: '0' };
  } finally {
    closeSync(log);
  }
}

/** The process whose command line, in words, is the one that is looked for. */
export function findProcess(
  isIt: (words: readonly string[]) => boolean,
): ProcessIdentity | undefined {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    const identity = identityOf(Number(name));
    let text: string;
    try {
      text = readFileSync(`/proc/${name}/cmdline`, 'utf8');
    } catch {
      // It has ended in the meantime.
      continue;
    }
    if (identity && isIt(text.split('\0'))) return identity;
  }
  return undefined;
}

/** Waits for the end of a process; false if it still runs by then. */
export async function untilEnded(identity: ProcessIdentity, limitMs: number): Promise<boolean> {
  const giveUpAt = performance.now() + limitMs;
  while (isAlive(identity)) {
    if (performance.now() > giveUpAt) return false;
    await pause(pollMs);
  }
  return true;
}

/** Ends a process that does not end by itself, and waits for that. */
export async function endNow(identity: ProcessIdentity, limitMs: number): Promise<boolean> {
  if (!isAlive(identity)) return true;
  try {
    process.kill(identity.pid, 'SIGKILL');
  } catch {
    // It has ended in the meantime.
  }
  return await untilEnded(identity, limitMs);
}
