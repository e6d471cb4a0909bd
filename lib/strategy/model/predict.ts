// What a move would cost: pure, from what was measured of the VM and what is known of the way.
import { type ForecastMethod, forecast, type MethodForecast } from '../../policy/forecast.js';
import type { PredictedRange } from '../../policy/prediction.js';
import type { VmMeasurement } from '../../site/measurement.js';
import type { MoveMethod, MovePrediction } from '../../site/move.js';
import type { Range } from '../../site/range.js';
import { besideOwnTraffic } from './own-traffic.js';

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

type Forecasts = readonly MethodForecast[];

function named(methods: Forecasts, name: ForecastMethod): MethodForecast | undefined {
  return methods.find(({ method }) => method === name);
}

/** Where pre-copy has an end there, its figure; where it has none, that of the switch to post-copy. */
function endingBy(pre: PredictedRange, post: PredictedRange): PredictedRange {
  const pick = (first: number, second: number) => (Number.isFinite(first) ? first : second);
  const [low = 0, expected = 0, high = 0] = [
    pick(pre.low, post.low),
    pick(pre.expected, post.expected),
    pick(pre.high, post.high),
  ].sort((a, b) => a - b);
  return { low, expected, high };
}

/** What is forecast for a method; a hybrid with a policy stays pre-copy as long as that converges. */
function forecastFor({ name, hash, policy }: MoveMethod, methods: Forecasts) {
  const preCopy = named(methods, hash === undefined ? 'pre-copy' : 'pre-copy with the filter');
  if (name === 'pre-copy') return preCopy;
  const found = named(methods, name);
  if (name === 'post-copy' || policy.length === 0 || !preCopy || !found) return found;
  return {
    bytes: endingBy(preCopy.bytes, found.bytes),
    totalMs: endingBy(preCopy.totalMs, found.totalMs),
    downtimeMs: endingBy(preCopy.downtimeMs, found.downtimeMs),
  };
}

/** Predicts what moving a VM costs, by one method, over one path, which its own traffic shares. */
export function predictMove(
  measurement: VmMeasurement,
  path: Path,
  method: MoveMethod,
): MovePrediction {
  const free = besideOwnTraffic(path.bytesPerSecond, measurement, method);
  const rate = Math.min(free, method.bytesPerSecond || Number.POSITIVE_INFINITY);
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
  const found = forecastFor(method, methods);
  if (!found) return unmeasured(measurement, rate);
  return {
    bytes: asRange(found.bytes),
    timeMs: asRange(found.totalMs),
    downtimeMs: asRange(found.downtimeMs),
  };
}
