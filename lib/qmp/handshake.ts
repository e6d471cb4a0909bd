// How a connection begins: QEMU greets, and is told which of its capabilities are wanted.
import { within } from '../system/deadline.js';
import {
  QmpBusyError,
  QmpClosedError,
  QmpError,
  QmpGreetingError,
  QmpNegotiationError,
} from './errors.js';
import type { QmpGreeting } from './messages.js';
import { busyHint } from './transport.js';

interface Handshake {
  readonly client: {
    execute(
      command: 'qmp_capabilities',
      commandArguments?: { enable?: string[] },
      options?: { readonly timeoutMs: number; readonly signal: AbortSignal | undefined },
    ): Promise<unknown>;
  };
  readonly greeting: Promise<QmpGreeting>;
  /** Resolves with the reason when the connection is closed. */
  readonly closed: Promise<QmpError>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

async function awaitGreeting({ greeting, closed, timeoutMs, signal }: Handshake) {
  const late = () => {
    throw new QmpBusyError(`QEMU did not greet within ${timeoutMs} ms. ${busyHint}`);
  };
  const first = await within(timeoutMs, Promise.race([greeting, closed]), late, signal);
  if (!(first instanceof QmpError)) return first;
  throw new QmpGreetingError(`There was no greeting of a QEMU: ${first.message}`, {
    received: first.received,
    cause: first,
  });
}

/** Resolves when commands can be executed. */
export async function negotiate(handshake: Handshake): Promise<void> {
  const { client, timeoutMs, signal } = handshake;
  const { capabilities } = await awaitGreeting(handshake);
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
