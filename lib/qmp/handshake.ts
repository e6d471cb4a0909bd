// How a connection begins: QEMU greets, and is told which of its capabilities are wanted.
import type { ExecuteOptions } from './client.js';
import { QmpClosedError, QmpError, QmpGreetingError, QmpNegotiationError } from './errors.js';
import type { QmpGreeting } from './messages.js';
import { afterMs } from './pending-commands.js';

interface Beginning {
  readonly client: {
    execute(
      command: 'qmp_capabilities',
      commandArguments?: { enable?: string[] },
      options?: ExecuteOptions,
    ): Promise<unknown>;
  };
  readonly greeting: Promise<QmpGreeting>;
  /** Why the connection is closed, once it is. */
  readonly closed: Promise<QmpError>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

async function awaitGreeting({ greeting, closed, timeoutMs, signal }: Beginning) {
  let release = () => {};
  const givenUp = new Promise<never>((_, reject) => {
    const stopTimer = afterMs(timeoutMs, () => {
      const hint = 'Perhaps another program is connected: QEMU talks to one at a time.';
      reject(new QmpGreetingError(`QEMU did not greet within ${timeoutMs} ms. ${hint}`));
    });
    const abort = () => reject(signal?.reason);
    signal?.addEventListener('abort', abort);
    release = () => {
      stopTimer();
      signal?.removeEventListener('abort', abort);
    };
  });
  try {
    const first = await Promise.race([greeting, closed, givenUp]);
    if (!(first instanceof QmpError)) return first;
    throw new QmpGreetingError(`There was no greeting of a QEMU: ${first.message}`, {
      received: first.received,
      cause: first,
    });
  } finally {
    release();
  }
}

/** Until commands can be executed. */
export async function greet(beginning: Beginning): Promise<void> {
  const { client, timeoutMs, signal } = beginning;
  signal?.throwIfAborted();
  const { capabilities } = await awaitGreeting(beginning);
  const enable = capabilities.filter((name) => name === 'oob');
  try {
    const options = { timeoutMs, signal };
    await client.execute('qmp_capabilities', enable.length > 0 ? { enable } : undefined, options);
  } catch (cause) {
    if (!(cause instanceof QmpError)) throw cause;
    const { sent, received } = cause;
    const what = cause instanceof QmpClosedError ? 'The connection ended' : 'It went wrong';
    throw new QmpNegotiationError(
      `${what} while capabilities were negotiated with QEMU: ${cause.message}`,
      { sent, received, cause },
    );
  }
}
