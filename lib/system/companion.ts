// Processes that run beside this one, such as QEMUs: they live until they end or are ended, and die with this process.
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Writable } from 'node:stream';
import spawn from 'nano-spawn';
import { begun, type ProcessEnd } from './processes.js';
import { undoAtExit } from './signals.js';

const setpriv = '/usr/bin/setpriv';
const tied = [setpriv, '--pdeathsig', 'KILL'];
/** How much of its output is kept, from the end. */
const keptCharacters = 20_000;

export interface CompanionEnd extends ProcessEnd {
  /** The end of what it wrote. */
  readonly output: string;
}

export interface Companion {
  readonly pid: number;
  /** Null when it reads nothing. */
  readonly stdin: Writable | null;
  /** Never rejects. */
  readonly ended: Promise<CompanionEnd>;
  kill(signal: NodeJS.Signals): void;
}

export interface CompanionOptions {
  /** By default it reads nothing. */
  readonly stdin?: 'ignore' | 'pipe';
  /** By default its standard error is kept with its output. */
  readonly stderr?: 'pipe' | 'inherit';
  /** Hears each line of its standard output. */
  readonly onLine?: (line: string) => void;
}

/** This process may have died before the kernel was asked to end the other one with it. */
const unlessOrphaned = 'test "$PPID" = "$1" && shift && exec "$@"';

/** A command line whose process the kernel ends when this one dies, even by SIGKILL; without setpriv, the same. */
function dieWithParent(words: readonly string[]): [command: string, args: string[]] {
  const [command = '', ...args] = existsSync(setpriv)
    ? [...tied, 'sh', '-c', unlessOrphaned, 'sh', `${process.pid}`, ...words]
    : words;
  return [command, args];
}

/** Starts one, out of reach of Ctrl-C: its user may have to end something in good order first. */
export async function startCompanion(
  words: readonly string[],
  { stdin = 'ignore', stderr = 'pipe', onLine }: CompanionOptions = {},
): Promise<Companion> {
  const [command, args] = dieWithParent(words);
  let child: ChildProcess | undefined;
  // Before it begins: from then on nothing may end this process without it.
  const cancelCleanup = undoAtExit(() => child?.kill('SIGKILL'));
  const subprocess = spawn(command, args, { stdin, stderr, detached: true });
  let output = '';
  // Read line by line: nobody keeps all that a QEMU may say.
  const read = async (lines: AsyncIterable<string>, hear?: (line: string) => void) => {
    try {
      for await (const line of lines) {
        output = `${output}${line}\n`.slice(-keptCharacters);
        hear?.(line);
      }
    } catch {
      // It failed or did not begin, which is reported below.
    }
  };
  const streams = [
    read(subprocess.stdout, onLine),
    ...(stderr === 'pipe' ? [read(subprocess.stderr)] : []),
  ];
  const whole = Promise.all(streams).finally(cancelCleanup);
  const process = await begun(words[0] ?? '', subprocess);
  child = process;
  return {
    pid: process.pid ?? 0,
    stdin: process.stdin,
    ended: whole.then(() => {
      const { exitCode, signalCode } = process;
      return { exitCode, signal: signalCode, output: output.trim() };
    }),
    kill: (signal) => void process.kill(signal),
  };
}
