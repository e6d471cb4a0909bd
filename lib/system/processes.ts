// Child processes. Short commands are awaited, or run synchronously where nothing can be awaited. Long ones run in process groups of
// their own, so that no compiler or test is left behind when this process is told to end. Processes that run beside
// this one, such as QEMUs, are started in companion.ts.
import { type ChildProcess, spawnSync } from 'node:child_process';
import spawn, { type Options, type Subprocess, SubprocessError } from 'nano-spawn';
import { FakedirtyError } from '../errors/error.js';
import { messageOf } from '../errors/message-of.js';
import { killWithDescendants, rememberDescendants } from './descendants.js';
import { isProcessExiting, stopAtSignal } from './signals.js';

export interface CommandOptions {
  readonly cwd?: string;
  /** Beside the variables of this process; undefined takes one away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What it reads on its standard input; nothing when not given. */
  readonly input?: string;
}

/** How a process ended. */
export interface ProcessEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface CommandOutput {
  readonly stdout: string;
  readonly stderr: string;
}

/** A command could not be run, or failed. */
export class CommandError extends FakedirtyError implements ProcessEnd, CommandOutput {
  override readonly name = 'CommandError';
  override readonly code = 'ERR_COMMAND';
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;

  constructor(
    message: string,
    { exitCode, signal, stdout, stderr }: ProcessEnd & CommandOutput,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.exitCode = exitCode;
    this.signal = signal;
    this.stdout = stdout;
    this.stderr = stderr;
  }
}

const noOutput = { exitCode: null, signal: null, stdout: '', stderr: '' };

/** How it ended, in words: "exit code 1", "SIGKILL". */
export function endText({ exitCode, signal }: ProcessEnd): string {
  return signal ?? `exit code ${exitCode}`;
}

/** It was not even started. */
export function cannotRun(command: string, error: unknown): CommandError {
  const reason = error instanceof SubprocessError ? (error.cause ?? error) : error;
  const text = messageOf(reason);
  return new CommandError(`${command} cannot be run: ${text}`, noOutput, { cause: reason });
}

function failed(command: string, end: ProcessEnd & CommandOutput, cause?: unknown): CommandError {
  const said = end.stderr.trim();
  const message = `${command} ended with ${endText(end)}${said ? `: ${said}` : ''}`;
  return new CommandError(message, end, { cause });
}

/** Undefined: it was not even started. */
function endOf(error: unknown): (ProcessEnd & CommandOutput) | undefined {
  if (!(error instanceof SubprocessError)) return undefined;
  const { exitCode, signalName, stdout, stderr } = error;
  if (exitCode === undefined && signalName === undefined) return undefined;
  const signal = (signalName ?? null) as NodeJS.Signals | null;
  return { exitCode: exitCode ?? null, signal, stdout, stderr };
}

/** What is common to all ways to start one. */
function optionsFor({ cwd, env }: Pick<CommandOptions, 'cwd' | 'env'>): Options {
  return {
    // Node leaves out what is undefined; the type does not know that.
    env: { ...env } as Record<string, string>,
    ...(cwd === undefined ? {} : { cwd }),
  };
}

/** The process itself, once it has begun; throws CommandError when it can't. */
export async function begun(command: string, subprocess: Subprocess): Promise<ChildProcess> {
  // A failure to begin is thrown below; without this it would be reported twice.
  subprocess.catch(() => {});
  try {
    return await subprocess.nodeChildProcess;
  } catch (error) {
    throw cannotRun(command, error);
  }
}

/** Runs a command to its end and returns what it wrote, without the last line feed; throws CommandError when it fails. */
export async function run(
  command: string,
  args: readonly string[],
  { input, ...options }: CommandOptions = {},
): Promise<CommandOutput> {
  const stdin = input === undefined ? 'ignore' : { string: input };
  try {
    const { stdout, stderr } = await spawn(command, args, { ...optionsFor(options), stdin });
    return { stdout, stderr };
  } catch (error) {
    const end = endOf(error);
    throw end ? failed(command, end, error) : cannotRun(command, error);
  }
}

function withoutLastFeed(text: string): string {
  return text.replace(/\n$/, '');
}

/** Like run(), for where nothing can be awaited: clean-ups, and questions that are answered at once. */
export function runSync(
  command: string,
  args: readonly string[],
  { cwd, env, input }: CommandOptions = {},
): CommandOutput {
  const { error, status, signal, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    ...(input === undefined ? {} : { input }),
    ...(cwd === undefined ? {} : { cwd }),
  });
  if (error) throw cannotRun(command, error);
  const output = { stdout: withoutLastFeed(stdout), stderr: withoutLastFeed(stderr) };
  if (status !== 0) throw failed(command, { exitCode: status, signal, ...output });
  return output;
}

/** What a command says on standard output; undefined when it can't be run, or fails. */
export function outputOf(command: string, ...args: string[]): string | undefined {
  try {
    return runSync(command, args).stdout;
  } catch {
    return undefined;
  }
}

/** Runs a command on this process's own terminal and waits for it; true when it succeeds. */
export function askOnTerminal(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'inherit' }).status === 0;
}

export type Stdio = readonly ('ignore' | 'inherit' | number)[];

export interface GroupOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly stdio: Stdio;
  /** False: it stays in this process's group, and so on its terminal. */
  readonly ownGroup?: boolean;
}

/** Sends a signal to a process, or to a group when the number is negative. */
function sendSignal(id: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(id, signal);
  } catch {
    // It has ended in the meantime.
  }
}

/** Runs a long command to its end, which may be a failure; all that it started ends with it, or at a signal. */
export async function runGroup(
  command: string,
  args: readonly string[],
  { stdio, ownGroup = true, ...options }: GroupOptions,
): Promise<ProcessEnd> {
  const [stdin = 'ignore', stdout = 'ignore', stderr = 'ignore'] = stdio;
  const streams = { stdin, stdout, stderr, detached: ownGroup };
  let id = 0;
  const signalGroup = (signal: 'SIGTERM' | 'SIGKILL') => {
    if (id !== 0) sendSignal(id, signal);
  };
  // Before it begins: from then on no signal may end this process without it.
  let killDescendants = () => {};
  const forget = stopAtSignal({
    signal: (signal) => {
      if (!ownGroup || id === 0) return signalGroup(signal);
      // It may be a command of ours with groups of its own, and these have the same time to stop as it has itself.
      if (signal === 'SIGKILL') return killWithDescendants(-id);
      killDescendants = rememberDescendants(-id);
      signalGroup(signal);
    },
  });
  try {
    const subprocess = spawn(command, args, { ...optionsFor(options), ...streams });
    const { pid = 0 } = await begun(command, subprocess);
    id = ownGroup ? -pid : pid;
    const { exitCode, signal } = await subprocess.then(
      () => ({ exitCode: 0, signal: null }),
      (error: unknown) => endOf(error) ?? noOutput,
    );
    // What the head of the group has left behind goes with it.
    if (ownGroup) signalGroup('SIGKILL');
    killDescendants();
    if (isProcessExiting()) {
      forget();
      // Nobody is answered any more: what was interrupted has not failed.
      await new Promise(() => {});
    }
    return { exitCode, signal };
  } finally {
    forget();
  }
}
