// `fakedirty` as a process that is followed while it runs.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import type { TestContext } from 'vitest';
import { main } from '../cli/fakedirty.js';

/** A command that runs. */
export interface RunningCommand {
  readonly child: ChildProcess;
  /** What it has said so far, on both outputs. */
  readonly lines: readonly string[];
  readonly reader: Interface;
  /** Its exit code. */
  readonly ended: Promise<number>;
}

/** Runs a command; what still runs when the test has ended is killed. */
export function run(context: TestContext, ...args: string[]): RunningCommand {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  context.onTestFinished(() => void child.kill('SIGKILL'));
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => lines.push(line));
  child.stderr.setEncoding('utf8').on('data', (text) => lines.push(text));
  const ended = once(child, 'close').then(([code]) => code as number);
  return { child, lines, reader, ended };
}

/** Until a line comes that fits. */
export async function untilLine({ reader, lines }: RunningCommand, pattern: RegExp): Promise<void> {
  while (!lines.some((line) => pattern.test(line))) await once(reader, 'line');
}
