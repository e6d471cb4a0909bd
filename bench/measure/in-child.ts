// Runs a job in a process of its own: a crash is a message, and nothing stays behind.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { within } from '../../lib/system/deadline.js';
import { endText, type ProcessEnd } from '../../lib/system/processes.js';
import { undoAtExit } from '../../lib/system/signals.js';
import type { AnswerTo, Job, Reply } from './jobs.js';

const program = fileURLToPath(new URL('./child.js', import.meta.url));
const patienceMs = 60_000;
const lastCharacters = 600;

/** A measurement that did not come to its end. */
export class MeasurementError extends Error {
  override readonly name = 'MeasurementError';
}

export interface ChildOptions {
  readonly program?: string;
  readonly patienceMs?: number;
}

function reasonOf(end: ProcessEnd | undefined, limitMs: number): string {
  if (!end) return `it had not ended after ${limitMs / 1000} s and was killed`;
  return `its process ended with ${endText(end)}`;
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
  // It holds nothing that needs an orderly end.
  const kill = () => child.kill('SIGKILL');
  const cancelCleanup = undoAtExit(kill);
  let stderr = '';
  let reply: Reply<Asked> | undefined;
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-lastCharacters);
  });
  child.once('message', (message: Reply<Asked>) => {
    reply = message;
  });
  const ended = new Promise<ProcessEnd>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode, signal) => resolve({ exitCode, signal }));
    // It may be gone already: then 'close' tells.
    child.send(job, () => {});
  }).finally(cancelCleanup);
  const end = await within(limitMs, ended, () => {
    kill();
    return undefined;
  });
  if (reply && 'answer' in reply) return reply.answer;
  const reason = reply ? reply.problem : reasonOf(end, limitMs);
  const said = stderr.trim();
  throw new MeasurementError(`${what}: ${reason}${said ? `; it said:\n${said}` : ''}`);
}
