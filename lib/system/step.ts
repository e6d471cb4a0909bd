// A step of set-up, build or test: a line when it starts, a line with its time when it ends, its full output in a
// log, and the end of that log when it fails.
import { appendFileSync, closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { FakedirtyError } from '../errors/error.js';
import { messageOf } from '../errors/message-of.js';
import { StatusLine, type TextOutput } from '../format/status-line.js';
import { cacheDirectory } from './cache.js';
import { CommandError, endText, runGroup } from './processes.js';

const tailLines = 40;
const lineLength = 500;
const progressBytes = 4096;
const lineEveryMs = 30_000;
const startedAt = new Date()
  .toISOString()
  .replace(/[-:]|\..*/g, '')
  .replace('T', '-');

let output: TextOutput = process.stdout;

/** Shows steps on another output from now on: standard output may be for results alone. */
export function tellStepsTo(other: TextOutput): void {
  output = other;
}

/** Prints a line where steps are shown. */
export function tell(text: string): void {
  output.write(`${text}\n`);
}

/** A step that failed and has already said so; `cause` is why. */
export class StepFailed extends FakedirtyError {
  override readonly name = 'StepFailed';
  override readonly code = 'ERR_STEP';
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Its failure does not fail the step. */
  readonly mayFail?: boolean;
  /** False: it stays on this process's terminal. */
  readonly ownGroup?: boolean;
}

/** Runs a command with its output in the log; throws when it fails unless it may. Its exit code, null after a signal. */
export type Run = (
  command: string,
  args: readonly string[],
  options?: RunOptions,
) => Promise<number | null>;

export interface StepTools {
  readonly run: Run;
  /** The path of the log. */
  readonly log: string;
}

export interface StepDescription {
  readonly title: string;
  readonly detail?: string;
  /** The name of its log. */
  readonly log: string;
  /** Makes out of the end of the log how far the work is. */
  readonly progress?: (endOfLog: string) => string | undefined;
}

/** A log of this run; each run has a directory of its own. */
export function logFile(name: string): string {
  return join(cacheDirectory('logs', `${startedAt}-${process.pid}`), `${name}.log`);
}

function secondsText(sinceMs: number): string {
  return `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`;
}

function endOf(log: string): string {
  const descriptor = openSync(log, 'r');
  try {
    const { size } = fstatSync(descriptor);
    const buffer = Buffer.alloc(Math.min(size, progressBytes));
    readSync(descriptor, buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString('utf8');
  } finally {
    closeSync(descriptor);
  }
}

/** Shows that time passes, and how far it is where that is known; returns what ends that. */
function startClock(sinceMs: number, progress: (() => string | undefined) | undefined): () => void {
  const elsewhere = progress ? { elsewhereEveryMs: lineEveryMs } : {};
  const status = new StatusLine(output, elsewhere);
  if (!status.isLive && !progress) return () => {};
  const timer = setInterval(() => {
    const passed = `  ... ${Math.round((performance.now() - sinceMs) / 1000)} s`;
    status.show([passed, progress?.()].filter(Boolean).join(', '));
  }, 1000);
  return () => {
    clearInterval(timer);
    status.clear();
  };
}

export function printTail(log: string): void {
  const text = readFileSync(log, 'utf8').trimEnd();
  if (!text) return;
  const lines = text.split('\n');
  tell(`  --- the last ${Math.min(lines.length, tailLines)} lines of ${log}`);
  for (const line of lines.slice(-tailLines)) {
    // The command line of a linker fills screens.
    tell(`  | ${line.length > lineLength ? `${line.slice(0, lineLength)} ...` : line}`);
  }
}

/** What its last line says of it: a `summary` in what the step returns. */
function summaryOf(result: unknown): string {
  const { summary } = (result ?? {}) as { readonly summary?: unknown };
  return typeof summary === 'string' ? summary : 'done';
}

/** Does a step; what `body` returns is returned. */
export async function step<Result>(
  { title, detail, log: name, progress }: StepDescription,
  body: (tools: StepTools) => Promise<Result> | Result,
): Promise<Result> {
  const log = logFile(name);
  const descriptor = openSync(log, 'a');
  const sinceMs = performance.now();
  tell(`${title}${detail ? ` (${detail})` : ''} ...`);
  const stopClock = startClock(sinceMs, progress && (() => progress(endOf(log))));
  const run: Run = async (command, args, { mayFail = false, ...options } = {}) => {
    appendFileSync(descriptor, `$ ${[command, ...args].join(' ')}\n`);
    const stdio = ['ignore', descriptor, descriptor] as const;
    const end = await runGroup(command, args, { ...options, stdio });
    if (end.exitCode !== 0 && !mayFail) {
      const message = `${command} ended with ${endText(end)}`;
      throw new CommandError(message, { ...end, stdout: '', stderr: '' });
    }
    return end.exitCode;
  };
  try {
    const result = await body({ run, log });
    stopClock();
    tell(`${title}: ${summaryOf(result)}, ${secondsText(sinceMs)}`);
    return result;
  } catch (error) {
    stopClock();
    const reason = messageOf(error);
    tell(`${title}: FAILED after ${secondsText(sinceMs)}: ${reason}`);
    printTail(log);
    throw new StepFailed(reason, { cause: error });
  } finally {
    closeSync(descriptor);
  }
}
