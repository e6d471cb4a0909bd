// What a move would cost: pure, from what was measured of the VM and what is known of the way.
import { forecast } from '../../policy/forecast.js';
import type { PredictedRange } from '../../policy/prediction.js';
import type { VmMeasurement } from '../../site/measurement.js';
import type { MoveMethod, MovePrediction } from '../../site/move.js';
import type { Range } from '../../site/range.js';

/** The way from one host to another. */
export interface Path {
  /** What both cards and all limits leave. */
  readonly bytesPerSecond: number;
}

const defaultDowntimeLimitMs = 300;
const pageBytes = 4096;
/** Stopping the guest, sending the state of its devices, starting it. */
const switchMs = { low: 10, expected: 40, high: 150 };

/** Of what was never measured, all is possible but less than nothing. */
function unmeasured(
  { memoryBytes, zeroBytes }: VmMeasurement,
  bytesPerSecond: number,
): MovePrediction {
  const all = memoryBytes - (zeroBytes ?? 0);
  const never = Number.POSITIVE_INFINITY;
  const least = zeroBytes === undefined ? 0 : all;
  const msFor = (bytes: number) => (bytes / bytesPerSecond) * 1000;
  return {
    bytes: { low: least, expected: all, high: never },
    timeMs: {
      low: msFor(least) + switchMs.low,
      expected: msFor(all) + switchMs.expected,
      high: never,
    },
    downtimeMs: { ...switchMs, high: never },
  };
}

function asRange({ low, expected, high }: PredictedRange): Range {
  return { low, expected, high };
}

const forecastNames = {
  'pre-copy': 'pre-copy',
  hybrid: 'post-copy',
  'post-copy': 'post-copy',
} as const;

/** Predicts what moving a VM costs, by one method, over one path. */
export function predictMove(
  measurement: VmMeasurement,
  path: Path,
  method: MoveMethod,
): MovePrediction {
  const { bytesPerSecond } = path;
  const rate = Math.min(bytesPerSecond, method.bytesPerSecond || Number.POSITIVE_INFINITY);
  const { dirtying, memoryBytes, zeroBytes } = measurement;
  if (!dirtying) return unmeasured(measurement, rate);
  const { methods } = forecast(
    {
      ramBytes: memoryBytes,
      pageBytes,
      seconds: dirtying.seconds,
      marked: dirtying.marked,
      markedInDoubleTime: dirtying.markedInDoubleTime,
      changed: dirtying.changed,
      changedEarly: dirtying.changedEarly,
      scanMsPerPage: dirtying.scanMsPerPage,
      contents: dirtying.changed ? 'sample' : 'none',
      scannedPages: 0,
      zeroPages: zeroBytes === undefined ? undefined : zeroBytes / pageBytes,
      overhead: { totalMs: 0, qemuCpuMs: undefined, ownCpuMs: 0 },
    },
    {
      linkBytesPerSecond: rate,
      downtimeLimitMs: method.downtimeLimitMs ?? defaultDowntimeLimitMs,
    },
  );
  const wanted =
    method.name === 'pre-copy' && method.hash !== undefined
      ? 'pre-copy with the filter'
      : forecastNames[method.name];
  const found = methods.find((each) => each.method === wanted);
  if (!found) return unmeasured(measurement, rate);
  return {
    bytes: asRange(found.bytes),
    timeMs: asRange(found.totalMs),
    downtimeMs: asRange(found.downtimeMs),
  };
}
