// The destination's side: it is made to listen, and watched until it has the guest.
import type { QmpClient } from '../qmp/client.js';
import { QmpClosedError } from '../qmp/errors.js';
import type { EventStream } from '../qmp/event-stream.js';
import type { KnownEvent } from '../qmp/messages.js';
import type { MigrationInfo } from '../qmp/schema/migration.js';
import { within } from '../system/deadline.js';
import type { CheckedOptions } from './options.js';

/** A destination is done long before that once the source has sent everything. */
const maxArrivalMs = 60_000;

/** What became of the guest at the destination: `gone` and `silent` say that nobody knows. */
export type DestinationEnd = 'completed' | 'failed' | 'gone' | 'silent';

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
  readonly qmp: QmpClient;
  readonly #events: EventStream<KnownEvent<'MIGRATION'>>;

  constructor(qmp: QmpClient) {
    this.qmp = qmp;
    this.#events = qmp.events('MIGRATION');
  }

  /** Makes the destination listen; returns the URI that the source connects to. */
  async listen({ listen, connect }: Exclude<CheckedOptions['to'], string>): Promise<string> {
    await this.qmp.execute('migrate-incoming', { uri: listen });
    return connect ?? listeningAt(await this.qmp.execute('query-migrate'), listen);
  }

  /** Waits until the destination has the guest, or has failed. */
  async untilEnd(): Promise<DestinationEnd> {
    return await within(maxArrivalMs, this.#arrival(), () => 'silent');
  }

  [Symbol.dispose](): void {
    this.#events.close();
  }

  async #arrival(): Promise<DestinationEnd> {
    try {
      const { data } = await this.#events.until(
        ({ data: { status } }) => status === 'completed' || status === 'failed',
      );
      return data.status === 'completed' ? 'completed' : 'failed';
    } catch (error) {
      if (error instanceof QmpClosedError) return 'gone';
      throw error;
    }
  }
}
