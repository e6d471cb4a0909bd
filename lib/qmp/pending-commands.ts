// Commands that have been sent and not been answered, by id, each with its limits.
import { QmpCommandError, type QmpRequest, QmpTimeoutError } from './errors.js';
import type { QmpAnswer } from './messages.js';

export interface Limits {
  /** How long QEMU may take to answer; Infinity for as long as it wants. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

interface Pending {
  readonly command: string;
  readonly request: QmpRequest;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

// Node takes a longer time for none at all.
const longestTimerMs = 2 ** 31 - 1;

/** Calls `late` after that time; answers how to take that back. */
export function afterMs(timeoutMs: number, late: () => void): () => void {
  if (timeoutMs > longestTimerMs) return () => {};
  const timer = setTimeout(late, timeoutMs);
  return () => clearTimeout(timer);
}

export class PendingCommands {
  readonly #byId = new Map<number, Pending>();

  add(command: string, request: QmpRequest, { timeoutMs, signal }: Limits): Promise<unknown> {
    const { id } = request;
    return new Promise((resolve, reject) => {
      const release = () => {
        this.#byId.delete(id);
        stopTimer();
        signal?.removeEventListener('abort', abort);
      };
      const settling =
        <T>(settle: (outcome: T) => void) =>
        (outcome: T) => {
          release();
          settle(outcome);
        };
      const pending = { command, request, resolve: settling(resolve), reject: settling(reject) };
      const abort = () => pending.reject(signal?.reason);
      const stopTimer = afterMs(timeoutMs, () => {
        const problem = `QEMU did not answer "${command}" within ${timeoutMs} ms.`;
        pending.reject(new QmpTimeoutError(problem, { sent: request }));
      });
      signal?.addEventListener('abort', abort);
      this.#byId.set(id, pending);
    });
  }

  /** Hands an answer, which came as that line, to whom it is for; false if nobody waits for such. */
  settle(message: QmpAnswer, line: string): boolean {
    const pending = typeof message.id === 'number' ? this.#byId.get(message.id) : undefined;
    if (!pending) return false;
    const { command, request, resolve, reject } = pending;
    if ('error' in message) {
      const { class: errorClass, desc } = message.error;
      const exchange = { sent: request, received: line };
      reject(new QmpCommandError(command, request.arguments, errorClass, desc, exchange));
    } else {
      resolve(message.return);
    }
    return true;
  }

  rejectAll(errorFor: (request: QmpRequest) => Error): void {
    for (const { request, reject } of [...this.#byId.values()]) reject(errorFor(request));
  }
}
