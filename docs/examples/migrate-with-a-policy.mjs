// Migrates a VM to a QEMU that was started with -incoming defer, shows its passes, and records it.
// usage: node migrate-with-a-policy.mjs SOURCE_QMP DESTINATION_QMP LISTEN_URI RECORDING
import { createWriteStream } from 'node:fs';
import { entryLine, MigrationRefusedError, startMigration } from 'fakedirty/migration';
import { chain, fakeAware, giveUp } from 'fakedirty/policy';
import { parseAddress, QmpClient } from 'fakedirty/qmp';

const [sourceAt, destinationAt, listen, path] = process.argv.slice(2);
const source = await QmpClient.connect(parseAddress(sourceAt));
const destination = await QmpClient.connect(parseAddress(destinationAt));
const recording = createWriteStream(path);

try {
  const migration = await startMigration(source, {
    to: { qmp: destination, listen },
    filter: { hash: 'ph128', ifMissing: 'leave-out' },
    bandwidthBytesPerSecond: 16 * 1024 * 1024,
    downtimeLimitMs: 20,
    policy: chain(giveUp({ afterMs: 60_000 }), fakeAware({ downtimeMs: 2000 })),
    record: (entry) => recording.write(entryLine(entry)),
  });
  for await (const update of migration) {
    if (update.type !== 'pass') continue;
    const { number, sentBytes, dirtyPages, verdicts } = update.pass;
    console.log(
      `pass ${number}: ${sentBytes} bytes, ${verdicts?.unchanged ?? 0} pages unchanged, ` +
        `${dirtyPages} still dirty`,
    );
  }
  const { outcome, reason, guest, bytes } = await migration.result;
  console.log(`${outcome}: ${reason}`);
  console.log(`the guest is at the ${guest.where}; ${bytes.total} bytes were sent`);
} catch (error) {
  if (!(error instanceof MigrationRefusedError)) throw error;
  // Nothing has been changed.
  for (const problem of error.problems) console.log(`refused: ${problem}`);
} finally {
  recording.end();
  await source.close();
  await destination.close();
}
