// The destination's side: makes it listen, and watches it until it has the guest.

import type { QmpSession } from '../qmp/client.js';
import { QmpError } from '../qmp/errors.js';
import type { EventStream } from '../qmp/event-stream.js';
import type { MigrationInfo } from '../qmp/schema/migration.js';
import { EventWaiter } from './event-waiter.js';
import type { CheckedOptions } from './options.js';

/** A destination is done long before that once the source has sent everything. */
const maxArrivalMs = 60_000;
/** How often it is asked when no event comes: one may have been missed. */
const pollMs = 500;

/** What became of the guest at the destination: `gone` and `silent` say that nobody knows. */
export type DestinationEnd = 'completed' | 'failed' | 'interrupted' | 'gone' | 'silent';

/** How a destination says that it is done. */
const ends: Readonly<Record<string, DestinationEnd>> = {
  completed: 'completed',
  failed: 'failed',
  'postcopy-paused': 'interrupted',
};

/** The URI to connect to: the destination may have chosen the port. */
function listeningAt({ 'socket-address': addresses }: MigrationInfo, asked: string): string {
  const [address] = addresses ?? [];
  const host = /^tcp:(.*):\d+$/.exec(asked)?.[1];
  const isAny = host === '' || host === '0.0.0.0' || host === '[::]';
  if (host === undefined || address?.port === undefined) return asked;
  return `tcp:${isAny ? 'localhost' : host}:${address.port}`;
}

/** The destination of a migration. Create it before the migration begins, so that no event is missed. */
export class Incoming implements Disposable {
  readonly qmp: QmpSession;
  readonly #events: EventStream;
  readonly #waiter: EventWaiter;

  constructor(qmp: QmpSession) {
    this.qmp = qmp;
    this.#events = qmp.events('MIGRATION');
    this.#waiter = new EventWaiter(this.#events);
  }

  /** Makes the destination listen; returns the URI that the source connects to. */
  async listen({
    listen,
    connect,
  }: Pick<Exclude<CheckedOptions['to'], string>, 'listen' | 'connect'>): Promise<string> {
    await this.qmp.execute('migrate-incoming', { uri: listen });
    return connect ?? listeningAt(await this.qmp.execute('query-migrate'), listen);
  }

  /** Waits until the destination has the guest, or has failed. */
  async untilEnd(limitMs = maxArrivalMs): Promise<DestinationEnd> {
    const giveUpAt = performance.now() + limitMs;
    try {
      for (;;) {
        const { status = 'none' } = await this.qmp.execute('query-migrate');
        const end = ends[status];
        if (end) return end;
        const leftMs = giveUpAt - performance.now();
        if (leftMs <= 0) return 'silent';
        await this.#waiter.wait(Math.min(pollMs, leftMs));
      }
    } catch (error) {
      if (error instanceof QmpError) return 'gone';
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#events.close();
  }
}
