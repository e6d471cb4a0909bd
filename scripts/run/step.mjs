// A step of set-up, build or test: a line when it starts, a line with its time when it ends, its
// full output in a log, and the end of that log when it fails.
import { appendFileSync, closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDirectory } from './cache.mjs';
import { runChild } from './children.mjs';

const TAIL_LINES = 40;
const LINE_LENGTH = 500;
const startedAt = new Date()
  .toISOString()
  .replace(/[-:]|\..*/g, '')
  .replace('T', '-');

/** A step that failed and has already said so. */
export class StepFailed extends Error {}

/** A log of this run; each run has a directory of its own. */
export function logFile(name) {
  return join(cacheDirectory('logs', `${startedAt}-${process.pid}`), `${name}.log`);
}

function seconds(sinceMs) {
  return `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`;
}

const PROGRESS_BYTES = 4096;
const LINE_EVERY_SECONDS = 30;

function endOf(log) {
  const descriptor = openSync(log, 'r');
  try {
    const { size } = fstatSync(descriptor);
    const buffer = Buffer.alloc(Math.min(size, PROGRESS_BYTES));
    readSync(descriptor, buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString('utf8');
  } finally {
    closeSync(descriptor);
  }
}

/** On a terminal, shows that time passes, and how far it is; elsewhere a line now and then. */
function startClock(sinceMs, progress) {
  const { isTTY } = process.stdout;
  if (!isTTY && !progress) return () => {};
  const clear = '\r\x1b[2K';
  const everySeconds = isTTY ? 1 : LINE_EVERY_SECONDS;
  const timer = setInterval(() => {
    const passed = `  ... ${Math.round((performance.now() - sinceMs) / 1000)} s`;
    const line = [passed, progress?.()].filter(Boolean).join(', ');
    process.stdout.write(isTTY ? `${clear}${line}` : `${line}\n`);
  }, everySeconds * 1000);
  return () => {
    clearInterval(timer);
    if (isTTY) process.stdout.write(clear);
  };
}

export function printTail(log) {
  const text = readFileSync(log, 'utf8').trimEnd();
  if (!text) return;
  const lines = text.split('\n');
  console.log(`  --- the last ${Math.min(lines.length, TAIL_LINES)} lines of ${log}`);
  for (const line of lines.slice(-TAIL_LINES)) {
    // The command line of a linker fills screens.
    console.log(`  | ${line.length > LINE_LENGTH ? `${line.slice(0, LINE_LENGTH)} ...` : line}`);
  }
}

/**
 * body gets run(command, args, options), which logs and throws when the command fails unless
 * options.mayFail; what body returns is returned, and its `summary` is shown on the last line.
 * `progress` makes out of the end of the log how far the work is.
 */
export async function step({ title, detail, log: name, progress }, body) {
  const log = logFile(name);
  const descriptor = openSync(log, 'a');
  const sinceMs = performance.now();
  console.log(`${title}${detail ? ` (${detail})` : ''} ...`);
  const stopClock = startClock(sinceMs, progress && (() => progress(endOf(log))));
  const run = async (command, args, { mayFail = false, ...options } = {}) => {
    appendFileSync(descriptor, `$ ${[command, ...args].join(' ')}\n`);
    const stdio = ['ignore', descriptor, descriptor];
    const { exitCode, signal } = await runChild(command, args, { ...options, stdio });
    if (exitCode !== 0 && !mayFail) {
      throw new Error(`${command} ended with ${signal ?? `exit code ${exitCode}`}`);
    }
    return exitCode;
  };
  try {
    const result = await body({ run, log });
    stopClock();
    console.log(`${title}: ${result?.summary ?? 'done'}, ${seconds(sinceMs)}`);
    return result;
  } catch (error) {
    stopClock();
    console.log(`${title}: FAILED after ${seconds(sinceMs)}: ${error.message}`);
    printTail(log);
    throw new StepFailed(error.message, { cause: error });
  } finally {
    closeSync(descriptor);
  }
}
