// A migration by the built package in a process that does nothing else: what it costs is the controller's.
// usage: node controller-cost.mjs SOURCE_QMP DESTINATION_QMP LISTEN_URI
// Says, as JSON, which share of a processor it took, and how often it asked QEMU.
import { migrate } from '../../../dist/migration/index.js';
import { parseAddress, QmpClient } from '../../../dist/qmp/index.js';
import { processorShares } from './processor-share.mjs';

const mebibyte = 1 << 20;

const [sourceAt, destinationAt, listen] = process.argv.slice(2);
const source = await QmpClient.connect(parseAddress(sourceAt));
const destination = await QmpClient.connect(parseAddress(destinationAt));
const controller = new AbortController();
let [questions, passes] = [0, 0];

const migrating = migrate(source, {
  to: { qmp: destination, listen },
  bandwidthBytesPerSecond: 16 * mebibyte,
  downtimeLimitMs: 1,
  signal: controller.signal,
  onPass: () => {
    passes += 1;
  },
  record: ({ type }) => {
    if (type === 'sample') questions += 1;
  },
});
const shares = await processorShares();
controller.abort(new Error('measured'));
const { outcome, totalMs } = await migrating;
console.log(
  JSON.stringify({ shares, outcome, passes, questionsPerSecond: questions / (totalMs / 1000) }),
);
await source.close();
await destination.close();
