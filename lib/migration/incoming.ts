// The destination: made to listen, and watched until the guest is there.
import type { QmpClient } from '../qmp/client.js';
import { QmpClosedError } from '../qmp/errors.js';
import type { EventStream } from '../qmp/event-stream.js';
import type { KnownEvent } from '../qmp/messages.js';
import type { MigrationInfo } from '../qmp/schema/migration.js';
import type { CheckedOptions } from './options.js';

/** What a destination does after the source is done takes no longer. */
const arrivalMs = 60_000;

export type DestinationEnd = 'completed' | 'failed' | 'gone' | 'silent';

/** The URI of where it listens: it may have chosen a port. */
function listeningAt({ 'socket-address': addresses }: MigrationInfo, asked: string): string {
  const [address] = addresses ?? [];
  const host = /^tcp:(.*):\d+$/.exec(asked)?.[1];
  const isAny = host === '' || host === '0.0.0.0' || host === '[::]';
  if (host === undefined || address?.port === undefined) return asked;
  return `tcp:${isAny ? 'localhost' : host}:${address.port}`;
}

export class Incoming {
  readonly qmp: QmpClient;
  readonly #events: EventStream<KnownEvent<'MIGRATION'>>;

  constructor(qmp: QmpClient) {
    this.qmp = qmp;
    this.#events = qmp.events('MIGRATION');
  }

  /** Lets a migration in; answers the URI that the source connects to. */
  async listen({ listen, connect }: Exclude<CheckedOptions['to'], string>): Promise<string> {
    await this.qmp.execute('migrate-incoming', { uri: listen });
    return connect ?? listeningAt(await this.qmp.execute('query-migrate'), listen);
  }

  /** Waits until it has the guest, or has not. */
  async untilEnd(): Promise<DestinationEnd> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<DestinationEnd>((resolve) => {
      timer = setTimeout(() => resolve('silent'), arrivalMs);
    });
    try {
      return await Promise.race([this.#arrival(), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
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
