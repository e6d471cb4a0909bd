// What a migration would cost by each method, predicted from a measurement made before it. Pure.

import { checkObject, checkOptions } from '../errors/check-options.js';
import { percentText } from '../format/text.js';
import type { DirtyingMeasurement, PageEstimate } from '../monitor/dirtying-measurement.js';
import { checkNumbers } from './check-settings.js';
import {
  type Behaviour,
  type Case,
  type CaseResult,
  cases,
  type PredictedRange,
  pageHeaderBytes,
  passCost,
  predictPreCopy,
  rangeOf,
  switchTimeMs,
} from './prediction.js';

/** What the migration is to be forecast for. */
export interface ForecastOptions {
  /** How fast the link is. */
  readonly linkBytesPerSecond: number;
  /** The downtime limit; default: 300 ms. */
  readonly downtimeLimitMs?: number | undefined;
}

/** The methods that are forecast. */
export const forecastMethods = [
  'pre-copy',
  'pre-copy with the filter',
  'hybrid',
  'post-copy',
] as const;

/** A method that is forecast. */
export type ForecastMethod = (typeof forecastMethods)[number];

/** What a migration by one method would cost. */
export interface MethodForecast {
  /** The method; hybrid goes on in post-copy after one pass of pre-copy, post-copy begins with it. */
  readonly method: ForecastMethod;
  /** All bytes sent. */
  readonly bytes: PredictedRange;
  /** The total time; infinite if the migration never ends. */
  readonly totalMs: PredictedRange;
  /** The predicted downtime. */
  readonly downtimeMs: PredictedRange;
}

/** What migrating a VM would cost. */
export interface Forecast {
  /** The share of the marked pages that is fake dirty, 0 to 1; undefined where it can't be told. */
  readonly fakeShare: PredictedRange | undefined;
  /** One forecast for each of `forecastMethods`. */
  readonly methods: readonly MethodForecast[];
  /** How certain the forecast is, and why, in sentences. */
  readonly confidence: string;
}

/** When twice the time finds hardly more pages than once, the whole working set has been seen. */
const saturatedGrowth = 1.1;

function pagesIn({ pages, errorPages }: PageEstimate, which: Case): number {
  return Math.max(0, pages + which * errorPages);
}

/** In the good case much is fake. */
function fakeShareAt({ marked, changed }: DirtyingMeasurement, which: Case): number {
  if (!changed || !marked) return 0;
  const marks = pagesIn(marked, which === 0 ? 0 : (-which as Case));
  if (marks === 0) return 0;
  return Math.min(1, Math.max(0, 1 - pagesIn(changed, which) / marks));
}

/** What had changed early is about all that changes: the whole working set was written within that time. */
function changesAllEarly({ changed, changedEarly }: DirtyingMeasurement): boolean {
  if (!changed || !changedEarly) return false;
  return changedEarly.pages * saturatedGrowth >= changed.pages;
}

/** Where marks could not be counted, at least the pages that changed were marked. */
function marksOf(measurement: DirtyingMeasurement): [PageEstimate, PageEstimate] {
  const { marked, markedInDoubleTime, changed } = measurement;
  const { pages = 0, errorPages = 0 } = changed ?? {};
  if (changesAllEarly(measurement)) {
    const all = { pages, errorPages };
    return [marked ?? all, markedInDoubleTime ?? all];
  }
  const atLeast = { pages, errorPages: Math.max(errorPages, pages / 3) };
  return [marked ?? atLeast, markedInDoubleTime ?? { ...atLeast, pages: pages * 1.5 }];
}

/** So fast that any pass marks the whole working set. */
const unboundedPagesPerMs = 1e9;

/** What changes is marked too, and changes were also counted over a shorter time. */
function markedPagesPerMs(measurement: DirtyingMeasurement, once: number, which: Case): number {
  const { seconds, changedEarly } = measurement;
  const rate = once / (seconds * 1000);
  if (!changedEarly) return rate;
  const earlyRate = changedEarly.pages / changedEarly.ms;
  if (!changesAllEarly(measurement) || earlyRate <= rate) return Math.max(rate, earlyRate);
  return { [-1]: earlyRate, 0: earlyRate * 1.5, 1: unboundedPagesPerMs }[which];
}

/** Time to read a page for the first time: a pass over zero pages waits for that, not for the link. */
function scanMsPerPage({ scanMsPerPage: measured }: DirtyingMeasurement, which: Case): number {
  if (measured === undefined) return { [-1]: 0, 0: 0.002, 1: 0.02 }[which];
  return measured * { [-1]: 0.25, 0: 1, 1: 4 }[which];
}

function behaviour(
  measurement: DirtyingMeasurement,
  options: ForecastOptions,
  which: Case,
  fake: number,
): Behaviour {
  const { ramBytes, pageBytes } = measurement;
  const [marked, markedInDoubleTime] = marksOf(measurement);
  const once = pagesIn(marked, which);
  const twice = Math.max(once, pagesIn(markedInDoubleTime, which));
  const growth = once > 0 ? twice / once : 1;
  // New marks that become fewer approach a working set: m, m(1 + q), m(1 + q + q²) and so on.
  const ratio = Math.min(0.95, Math.max(0, growth - 1));
  const limit = growth < saturatedGrowth ? twice : once / (1 - ratio);
  return {
    markedPagesPerMs: markedPagesPerMs(measurement, once, which),
    workingSetPages: Math.min(ramBytes / pageBytes, limit),
    fakeShare: fake,
    bytesPerPage: pageBytes + pageHeaderBytes,
    linkBytesPerMs: options.linkBytesPerSecond / 1000,
    unlimitedLinkBytesPerMs: options.linkBytesPerSecond / 1000,
    switchMs: switchTimeMs(which),
    msPerCheckedPage: 0,
  };
}

/** Where they were not counted, in the good case all is zero but what the guest writes; otherwise nothing is. */
function zeroPagesAt(
  { ramBytes, pageBytes, zeroPages }: DirtyingMeasurement,
  { workingSetPages }: Behaviour,
  which: Case,
): number {
  return zeroPages ?? (which === -1 ? ramBytes / pageBytes - workingSetPages : 0);
}

/** The first pass over all memory, and what is marked during it. */
function firstPass(measurement: DirtyingMeasurement, guest: Behaviour, which: Case) {
  const { ramBytes, pageBytes } = measurement;
  const scanMs = scanMsPerPage(measurement, which);
  const zeroPages = zeroPagesAt(measurement, guest, which);
  const fullPages = ramBytes / pageBytes - zeroPages;
  const { bytes: fullBytes } = passCost(fullPages, { ...guest, fakeShare: 0 });
  // A zero page is a header and one byte.
  const zeroBytes = zeroPages * (pageHeaderBytes + 1);
  const waitMs = (bytes: number, pages: number) =>
    Math.max(bytes / guest.linkBytesPerMs, pages * scanMs);
  const ms = waitMs(fullBytes, fullPages) + waitMs(zeroBytes, zeroPages);
  const marked = Math.min(guest.workingSetPages, guest.markedPagesPerMs * ms);
  return { bytes: fullBytes + zeroBytes, ms, marked };
}

const neverEnds: CaseResult = {
  remainingPasses: Number.POSITIVE_INFINITY,
  totalMs: Number.POSITIVE_INFINITY,
  downtimeMs: Number.POSITIVE_INFINITY,
  bytes: Number.POSITIVE_INFINITY,
};

/** In the bad case, where marks could not be counted, everything may be marked all the time. */
function mayMarkAll({ marked }: DirtyingMeasurement, which: Case): boolean {
  return marked === undefined && which === 1;
}

function preCopy(
  measurement: DirtyingMeasurement,
  guest: Behaviour,
  limitMs: number,
  which: Case,
): CaseResult {
  const first = firstPass(measurement, guest, which);
  const rest = predictPreCopy(first.ms, first.marked, limitMs, guest);
  return { ...rest, bytes: first.bytes + rest.bytes };
}

/** Each page is sent once. */
function postCopy(measurement: DirtyingMeasurement, guest: Behaviour, which: Case): CaseResult {
  const { bytes, ms } = firstPass(measurement, guest, which);
  const { switchMs: downtimeMs } = guest;
  return { remainingPasses: 0, totalMs: ms + downtimeMs, downtimeMs, bytes };
}

/** After a first pass of pre-copy, all that is marked is fetched. */
function hybrid(measurement: DirtyingMeasurement, guest: Behaviour, which: Case): CaseResult {
  const { ramBytes, pageBytes } = measurement;
  const first = firstPass(measurement, guest, which);
  const all = ramBytes / pageBytes - zeroPagesAt(measurement, guest, which);
  const marked = mayMarkAll(measurement, which) ? Math.max(all, first.marked) : first.marked;
  const { bytes, ms } = passCost(marked, { ...guest, fakeShare: 0 });
  const { switchMs } = guest;
  const totalMs = first.ms + ms + switchMs;
  return { remainingPasses: 0, totalMs, downtimeMs: switchMs, bytes: first.bytes + bytes };
}

function resultOf(
  method: ForecastMethod,
  measurement: DirtyingMeasurement,
  options: ForecastOptions,
  which: Case,
): CaseResult {
  const limitMs = options.downtimeLimitMs ?? 300;
  const fake = method === 'pre-copy with the filter' ? fakeShareAt(measurement, which) : 0;
  const guest = behaviour(measurement, options, which, fake);
  if (method === 'post-copy') return postCopy(measurement, guest, which);
  if (method === 'hybrid') return hybrid(measurement, guest, which);
  // The filter sends no more than what changes, whatever is marked.
  if (method === 'pre-copy' && mayMarkAll(measurement, which)) return neverEnds;
  return preCopy(measurement, guest, limitMs, which);
}

function confidence(
  measurement: DirtyingMeasurement,
  fakeShare: PredictedRange | undefined,
): string {
  const { contents, scannedPages, zeroPages, seconds } = measurement;
  const [marked] = marksOf(measurement);
  const how = {
    fingerprints: `All ${scannedPages} pages were fingerprinted three times within ${seconds} s.`,
    sample: `QEMU sampled ${scannedPages} pages; changes of a few other pages may have been missed.`,
    none: 'Contents could not be scanned: the memory is not in a shared file, and too small for QEMU to sample.',
  }[contents];
  const marks = measurement.marked
    ? ''
    : ' Without KVM, marked pages can not be counted: there may be more of them than changed pages, and plain pre-copy may never end.';
  const share = fakeShare
    ? ` The fake share lies between ${percentText(fakeShare.low)} and ${percentText(fakeShare.high)}.`
    : ' The fake share is unknown; the forecast assumes that the filter finds nothing.';
  const zero =
    zeroPages === undefined
      ? ' Zero pages are unknown and count as full ones: of a guest that has used little of its memory, bytes and time are nearer to the lower figures.'
      : ` ${zeroPages} pages are zero and cost almost nothing.`;
  const few =
    marked.pages <= marked.errorPages ? ' The guest hardly writes: the rest is noise.' : '';
  return `${how}${marks}${share}${zero}${few}`;
}

/** Predicts total time, bytes and downtime of a migration by each method. */
export function forecast(measurement: DirtyingMeasurement, options: ForecastOptions): Forecast {
  checkObject('measurement', measurement, 'what measureDirtying returns');
  checkNumbers(measurement, ['ramBytes', 'pageBytes', 'seconds', 'scannedPages'], true);
  checkOptions(options, ['linkBytesPerSecond', 'downtimeLimitMs']);
  checkNumbers(options, ['linkBytesPerSecond'], true);
  checkNumbers(options, ['downtimeLimitMs']);
  const shares = cases.map((which) => fakeShareAt(measurement, which)).sort((a, b) => a - b);
  const [low = 0, , high = 1] = shares;
  const expected = fakeShareAt(measurement, 0);
  const fakeShare = measurement.changed && measurement.marked ? { low, expected, high } : undefined;
  const methods = forecastMethods.map((method): MethodForecast => {
    const results = cases.map((which) => resultOf(method, measurement, options, which));
    return {
      method,
      bytes: rangeOf(results, 'bytes'),
      totalMs: rangeOf(results, 'totalMs'),
      downtimeMs: rangeOf(results, 'downtimeMs'),
    };
  });
  return { fakeShare, methods, confidence: confidence(measurement, fakeShare) };
}

/** A range for people. */
export function rangeText(
  { low, expected, high }: PredictedRange,
  text: (value: number) => string,
): string {
  if (!Number.isFinite(expected)) {
    return Number.isFinite(low) ? `without end (at least ${text(low)})` : 'without end';
  }
  if (!Number.isFinite(high)) return `${text(expected)} (at least ${text(low)})`;
  return low === high ? text(expected) : `${text(expected)} (${text(low)} to ${text(high)})`;
}
