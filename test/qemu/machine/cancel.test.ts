// Cancelling around the switchover, on real VMs: never two running guests. QEMU by itself lets that happen.
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { startMigration } from '../../../lib/migration/migrate.js';
import { needDriven, runsGuest } from '../../harness/driven-qemu.js';
import { some } from '../../harness/methods-and-guests.js';
import { MigrationPair } from '../../harness/migration-pair.js';

const guest = { pattern: 'random', pages: 1024, wordsPerPage: 8 } as const;

/** Milliseconds after it was decided to stop and copy: QEMU begins within a tenth of a second, and needs as much. */
const momentsMs = Array.from({ length: 60 }, (_, index) => index * 5);

describe.for([
  ['with the QMP of the destination', true],
  ['without', false],
] as const)('a migration %s', ([, withDestination]) => {
  it.for(some(momentsMs, [4, 16, 24, 32]))(
    'is cancelled %i ms after the decision to stop, and one guest runs',
    async (afterMs, context) => {
      const binary = needDriven(context, 'with the series');
      const pair = await MigrationPair.start({
        ...{ binary, accelerator: 'tcg', guest, destinationRuns: true },
      });
      context.onTestFinished(() => pair.close());
      const { source, destination, incomingSocket } = pair;
      const listen = `unix:${incomingSocket}`;
      if (!withDestination) await destination.qmp.execute('migrate-incoming', { uri: listen });
      const migration = await startMigration(source.qmp, {
        to: withDestination ? { qmp: destination.qmp, listen } : listen,
        bandwidthBytesPerSecond: 32 << 20,
        downtimeLimitMs: 1,
      });
      await pause(200);
      // As the policy "stop-now" does.
      await migration.setLimits({ downtimeLimitMs: 2_000_000 });
      await pause(afterMs);
      const { outcome, guest: told, reason } = await migration.cancel();
      const [here, there] = [await runsGuest(source), await runsGuest(destination)];
      const what = `${outcome}: ${reason}`;
      expect(here && there, what).toBe(false);
      // Whoever can't know stops the guest rather than have it run twice.
      if (outcome === 'unknown') expect(here, what).toBe(false);
      else if (outcome === 'cancelled') expect([here, told.where], what).toEqual([true, 'source']);
      else expect([there, told.where], what).toEqual([true, 'destination']);
    },
  );
});
