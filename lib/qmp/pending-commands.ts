// Commands that have been sent and not yet answered, by id, each with its time limit.
import { within } from '../system/deadline.js';
import { QmpCommandError, type QmpRequest, QmpTimeoutError } from './errors.js';
import type { QmpAnswer } from './messages.js';

export interface Limits {
  /** How long QEMU may take to answer; Infinity: as long as it wants. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

interface Pending {
  readonly command: string;
  readonly request: QmpRequest;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export class PendingCommands {
  readonly #byId = new Map<number, Pending>();

  /** Waits for the answer to a command that is about to be sent. */
  async add(command: string, request: QmpRequest, { timeoutMs, signal }: Limits): Promise<unknown> {
    const answer = new Promise((resolve, reject) => {
      this.#byId.set(request.id, { command, request, resolve, reject });
    });
    const late = () => {
      const problem = `QEMU did not answer "${command}" within ${timeoutMs} ms.`;
      throw new QmpTimeoutError(problem, { sent: request });
    };
    try {
      return await within(timeoutMs, answer, late, signal);
    } finally {
      this.#byId.delete(request.id);
    }
  }

  /** Gives an answer, received as that line, to its command; false if no command waits for it. */
  settle(message: QmpAnswer, line: string): boolean {
    const pending = typeof message.id === 'number' ? this.#byId.get(message.id) : undefined;
    if (!pending) return false;
    const { command, request, resolve, reject } = pending;
    this.#byId.delete(request.id);
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
