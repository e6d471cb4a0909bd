// The QMPs of a migration, each of which is made again when it breaks.
import type { QmpClient } from '../qmp/client.js';
import { LastingQmp } from '../qmp/lasting-qmp.js';

/** The QMPs of a migration. */
export interface Connections {
  readonly source: LastingQmp;
  /** Where only the source is known there is none. */
  readonly destination: LastingQmp | undefined;
  /** Is called when the migration is over, or never began. */
  release(): Promise<void>;
}

/** Connections for one migration: what is made again is closed with them, what was given stays its owner's. */
export function connectionsOver(
  source: QmpClient,
  destination: QmpClient | undefined,
): Connections {
  const lasting = {
    source: new LastingQmp(source),
    destination: destination && new LastingQmp(destination),
  };
  return {
    ...lasting,
    release: async () => {
      await Promise.all([
        lasting.source[Symbol.asyncDispose](),
        lasting.destination?.[Symbol.asyncDispose](),
      ]);
    },
  };
}
