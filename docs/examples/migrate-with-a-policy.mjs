// Migrates a VM to a QEMU that was started with -incoming defer, and records it.
// usage: node migrate-with-a-policy.mjs SOURCE_QMP DESTINATION_QMP LISTEN_URI RECORDING
import { createWriteStream } from 'node:fs';
import {
  chain,
  entryLine,
  fakeAware,
  giveUp,
  MigrationRefusedError,
  migrate,
  parseAddress,
  QmpClient,
} from 'fakedirty';

const [sourceAt, destinationAt, listen, path] = process.argv.slice(2);
const source = await QmpClient.connect(parseAddress(sourceAt));
const destination = await QmpClient.connect(parseAddress(destinationAt));
const recording = createWriteStream(path);

try {
  const result = await migrate(source, {
    to: { qmp: destination, listen },
    filter: { hash: 'ph128', ifMissing: 'leave-out' },
    bandwidthBytesPerSecond: 16 * 1024 * 1024,
    downtimeLimitMs: 20,
    policy: chain(giveUp({ afterMs: 60_000 }), fakeAware({ downtimeMs: 2000 })),
    onPass: ({ number, sentBytes, dirtyPages, verdicts }) =>
      console.log(
        `pass ${number}: ${sentBytes} bytes, ${verdicts?.unchanged ?? 0} pages unchanged, ` +
          `${dirtyPages} still dirty`,
      ),
    record: (entry) => recording.write(entryLine(entry)),
  });
  console.log(`${result.outcome}: ${result.reason}`);
  console.log(`the guest is at the ${result.guest.where}; ${result.bytes.total} bytes were sent`);
} catch (error) {
  if (!(error instanceof MigrationRefusedError)) throw error;
  // Nothing has been changed.
  for (const problem of error.problems) console.log(`refused: ${problem}`);
} finally {
  recording.end();
  await source.close();
  await destination.close();
}
