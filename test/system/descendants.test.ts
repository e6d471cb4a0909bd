// What a group has under it, in groups of their own, is killed with it: also what those start after it was looked for.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { killWithDescendants, rememberDescendants } from '../../lib/system/descendants.js';

/** A group with another one under it, which starts a process when it is told to; both say their numbers. */
function start(): { child: ChildProcess; next: () => Promise<number> } {
  const inner = 'echo $$; read line; sleep 600 & echo $!; wait';
  const child = spawn('sh', ['-c', `setsid sh -c '${inner}' <&3 & wait`], {
    stdio: ['ignore', 'pipe', 'ignore', 'pipe'],
    detached: true,
  });
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (more: string) => {
    text += more;
  });
  let read = 0;
  const next = async () => {
    while (text.split('\n').length < read + 2) await pause(5);
    read += 1;
    return Number(text.split('\n')[read - 1]);
  };
  return { child, next };
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

async function untilGone(...pids: number[]): Promise<void> {
  while (pids.some(isAlive)) await pause(5);
}

it('is killed by its group after the head of the first group has ended', async () => {
  const { child, next } = start();
  const inner = await next();
  const kill = rememberDescendants(child.pid ?? 0);
  (child.stdio[3] as NodeJS.WritableStream).write('go\n');
  const later = await next();
  process.kill(-(child.pid ?? 0), 'SIGKILL');
  process.kill(inner, 'SIGKILL');
  await once(child, 'exit');
  await untilGone(inner);
  expect(isAlive(later)).toBe(true);
  kill();
  await untilGone(later);
});

it('is killed with a group that lives', async () => {
  const { child, next } = start();
  const inner = await next();
  (child.stdio[3] as NodeJS.WritableStream).write('go\n');
  const later = await next();
  killWithDescendants(child.pid ?? 0);
  await untilGone(inner, later);
});
