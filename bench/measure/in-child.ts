// Runs a job in a process of its own: a crash is a message, and nothing stays behind.
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { AnswerTo, Job, Reply } from './jobs.js';

const program = fileURLToPath(new URL('./child.js', import.meta.url));
const patienceMs = 60_000;
const lastCharacters = 600;

/** A measurement that did not come to its end. */
export class MeasurementError extends Error {
  override readonly name = 'MeasurementError';
}

const running = new Set<ChildProcess>();

/** Ends all children at once; they hold nothing that needs an orderly end. */
export function killChildren(): void {
  for (const child of running) child.kill('SIGKILL');
}

export interface ChildOptions {
  readonly program?: string;
  readonly patienceMs?: number;
}

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

function reasonOf({ code, signal }: Ended, tooLate: boolean, limitMs: number): string {
  if (tooLate) return `it had not ended after ${limitMs / 1000} s and was killed`;
  return signal ? `its process was ended by ${signal}` : `its process ended with code ${code}`;
}

/** `what` says what is measured, for the message when it fails. */
export async function runInChild<Asked extends Job>(
  what: string,
  job: Asked,
  options: ChildOptions = {},
): Promise<AnswerTo<Asked>> {
  const limitMs = options.patienceMs ?? patienceMs;
  const child = fork(options.program ?? program, [], {
    execArgv: [],
    // benny says on standard output what it does.
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  running.add(child);
  let stderr = '';
  let reply: Reply<Asked> | undefined;
  let tooLate = false;
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-lastCharacters);
  });
  child.once('message', (message: Reply<Asked>) => {
    reply = message;
  });
  const timer = setTimeout(() => {
    tooLate = true;
    child.kill('SIGKILL');
  }, limitMs);
  const ended = await new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal }));
    // It may be gone already: then 'close' tells.
    child.send(job, () => {});
  }).finally(() => {
    clearTimeout(timer);
    running.delete(child);
  });
  if (reply && 'answer' in reply) return reply.answer;
  const reason = reply ? reply.problem : reasonOf(ended, tooLate, limitMs);
  const said = stderr.trim();
  throw new MeasurementError(`${what}: ${reason}${said ? `; it said:\n${said}` : ''}`);
}
