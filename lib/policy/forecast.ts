// What a migration would cost by each method, from a measurement made before it. Pure.
import type { DirtyingMeasurement, Measured } from '../monitor/dirtying-measurement.js';
import { percentText } from './decide.js';
import {
  type Behaviour,
  goOn,
  type Point,
  pageHeaderBytes,
  type Range,
  range,
  switchTimeMs,
  walk,
} from './prediction.js';

export interface Link {
  readonly linkBytesPerSecond: number;
  /** Default 300. */
  readonly downtimeLimitMs?: number;
}

export const forecastMethods = ['pre-copy', 'pre-copy with the filter', 'post-copy'] as const;

export interface MethodForecast {
  readonly method: (typeof forecastMethods)[number];
  readonly bytes: Range;
  /** Infinity: it never ends. */
  readonly totalMs: Range;
  readonly downtimeMs: Range;
}

export interface Forecast {
  /** Of the pages that the guest marks, how many hold what they held; undefined where it can't be told. */
  readonly fakeShare: Range | undefined;
  readonly methods: readonly MethodForecast[];
  /** How sure that is, and why, in sentences. */
  readonly confidence: string;
}

const ways = [-1, 0, 1] as const;
type Way = (typeof ways)[number];

/** Where the second half of a look found hardly more marks than the first, the whole working set is marked. */
const growthLeft = 1.1;

function off({ pages, errorPages }: Measured, way: Way): number {
  return Math.max(0, pages + way * errorPages);
}

/** In the good case (-1) much is fake. */
function fakeShareAt({ marked, changed }: DirtyingMeasurement, way: Way): number {
  if (!changed || !marked) return 0;
  const marks = off(marked, way === 0 ? 0 : (-way as Way));
  if (marks === 0) return 0;
  return Math.min(1, Math.max(0, 1 - off(changed, way) / marks));
}

/** What changed soon is about all that changes: it was all written at least that fast, and there is no more of it. */
function isSoonAll({ changed, changedSoon }: DirtyingMeasurement): boolean {
  if (!changed || !changedSoon) return false;
  return changedSoon.pages * growthLeft >= changed.pages;
}

/** Where marks could not be counted, there are at least as many as pages that changed. */
function marksOf(measurement: DirtyingMeasurement): [Measured, Measured] {
  const { marked, markedInTwice, changed } = measurement;
  const { pages = 0, errorPages = 0 } = changed ?? {};
  if (isSoonAll(measurement)) {
    const all = { pages, errorPages };
    return [marked ?? all, markedInTwice ?? all];
  }
  const least = { pages, errorPages: Math.max(errorPages, pages / 3) };
  return [marked ?? least, markedInTwice ?? { ...least, pages: pages * 1.5 }];
}

/** A mark each time is set at once; only a rate without end shows that a whole working set is marked anew. */
const atOnce = 1e9;

/** What changes is marked, so it tells of marks as well, and of shorter times. */
function markedPagesPerMs(measurement: DirtyingMeasurement, once: number, way: Way): number {
  const { seconds, changedSoon } = measurement;
  const rate = once / (seconds * 1000);
  if (!changedSoon) return rate;
  const soonRate = changedSoon.pages / changedSoon.ms;
  if (!isSoonAll(measurement) || soonRate <= rate) return Math.max(rate, soonRate);
  return { [-1]: soonRate, 0: soonRate * 1.5, 1: atOnce }[way];
}

/** Of looking at a page for the first time: on a busy machine no link is what a walk over zeros waits for. */
function lookMsPerPage({ lookMsPerPage: measured }: DirtyingMeasurement, way: Way): number {
  if (measured === undefined) return { [-1]: 0, 0: 0.002, 1: 0.02 }[way];
  return measured * { [-1]: 0.25, 0: 1, 1: 4 }[way];
}

function behaviour(
  measurement: DirtyingMeasurement,
  link: Link,
  way: Way,
  fake: number,
): Behaviour {
  const { ramBytes, pageBytes } = measurement;
  const [marked, markedInTwice] = marksOf(measurement);
  const once = off(marked, way);
  const twice = Math.max(once, off(markedInTwice, way));
  const grows = once > 0 ? twice / once : 1;
  // Marks that become fewer the longer one looks approach a working set: m, m(1 + q), m(1 + q + q²) ...
  const ratio = Math.min(0.95, Math.max(0, grows - 1));
  const limit = grows < growthLeft ? twice : once / (1 - ratio);
  return {
    markedPagesPerMs: markedPagesPerMs(measurement, once, way),
    workingSetPages: Math.min(ramBytes / pageBytes, limit),
    fakeShare: fake,
    bytesPerPage: pageBytes + pageHeaderBytes,
    linkBytesPerMs: link.linkBytesPerSecond / 1000,
    unlimitedLinkBytesPerMs: link.linkBytesPerSecond / 1000,
    switchMs: switchTimeMs(way),
    msPerCheckedPage: 0,
  };
}

/** The first walk over all memory, and what is marked meanwhile. */
function firstWalk(measurement: DirtyingMeasurement, guest: Behaviour, way: Way) {
  const { ramBytes, pageBytes, zeroPages = 0 } = measurement;
  const lookMs = lookMsPerPage(measurement, way);
  const fullPages = ramBytes / pageBytes - zeroPages;
  const { bytes: fullBytes } = walk(fullPages, { ...guest, fakeShare: 0 });
  // A zero page is a header and one byte.
  const zeroBytes = zeroPages * (pageHeaderBytes + 1);
  const waitMs = (bytes: number, pages: number) =>
    Math.max(bytes / guest.linkBytesPerMs, pages * lookMs);
  const ms = waitMs(fullBytes, fullPages) + waitMs(zeroBytes, zeroPages);
  const marked = Math.min(guest.workingSetPages, guest.markedPagesPerMs * ms);
  return { bytes: fullBytes + zeroBytes, ms, marked };
}

const never: Point = {
  remainingPasses: Number.POSITIVE_INFINITY,
  totalMs: Number.POSITIVE_INFINITY,
  downtimeMs: Number.POSITIVE_INFINITY,
  bytes: Number.POSITIVE_INFINITY,
};

/** In the bad case, where marks could not be counted, everything may be marked all the time. */
function mayMarkAll({ marked }: DirtyingMeasurement, way: Way): boolean {
  return marked === undefined && way === 1;
}

function preCopy(
  measurement: DirtyingMeasurement,
  guest: Behaviour,
  limitMs: number,
  way: Way,
): Point {
  const first = firstWalk(measurement, guest, way);
  const rest = goOn(first.ms, first.marked, limitMs, guest);
  return { ...rest, bytes: first.bytes + rest.bytes };
}

/** As it is done here: after a first pass of pre-copy, whatever is marked is fetched. */
function postCopy(measurement: DirtyingMeasurement, guest: Behaviour, way: Way): Point {
  const { ramBytes, pageBytes, zeroPages = 0 } = measurement;
  const first = firstWalk(measurement, guest, way);
  const all = ramBytes / pageBytes - zeroPages;
  const marked = mayMarkAll(measurement, way) ? Math.max(all, first.marked) : first.marked;
  const { bytes, ms } = walk(marked, { ...guest, fakeShare: 0 });
  const { switchMs } = guest;
  const totalMs = first.ms + ms + switchMs;
  return { remainingPasses: 0, totalMs, downtimeMs: switchMs, bytes: first.bytes + bytes };
}

function pointOf(
  method: MethodForecast['method'],
  measurement: DirtyingMeasurement,
  link: Link,
  way: Way,
): Point {
  const limitMs = link.downtimeLimitMs ?? 300;
  const fake = method === 'pre-copy with the filter' ? fakeShareAt(measurement, way) : 0;
  const guest = behaviour(measurement, link, way, fake);
  if (method === 'post-copy') return postCopy(measurement, guest, way);
  // The filter sends no more than what changes, whatever is marked.
  if (method === 'pre-copy' && mayMarkAll(measurement, way)) return never;
  return preCopy(measurement, guest, limitMs, way);
}

function confidence(measurement: DirtyingMeasurement, fakeShare: Range | undefined): string {
  const { contents, lookedAtPages, zeroPages, seconds } = measurement;
  const [marked] = marksOf(measurement);
  const how = {
    fingerprints: `All ${lookedAtPages} pages were fingerprinted three times within ${seconds} s.`,
    sample: `QEMU sampled ${lookedAtPages} pages; what happens in a few others may have been missed.`,
    none: 'Contents could not be looked at: memory is in no shared file, and too small for QEMU to sample.',
  }[contents];
  const marks = measurement.marked
    ? ''
    : ' Without KVM marks can not be counted: there may be more than pages that changed, and plain pre-copy may never end.';
  const share = fakeShare
    ? ` The fake share lies between ${percentText(fakeShare.low)} and ${percentText(fakeShare.high)}.`
    : ' The fake share is not known; the filter is reckoned to find nothing.';
  const zero =
    zeroPages === undefined
      ? ' Zero pages are not known, and reckoned as full ones: bytes and time are upper bounds.'
      : ` ${zeroPages} pages are zero and cost next to nothing.`;
  const few =
    marked.pages <= marked.errorPages ? ' The guest hardly writes: the rest is noise.' : '';
  return `${how}${marks}${share}${zero}${few}`;
}

export function forecast(measurement: DirtyingMeasurement, link: Link): Forecast {
  const shares = ways.map((way) => fakeShareAt(measurement, way)).sort((a, b) => a - b);
  const [low = 0, , high = 1] = shares;
  const expected = fakeShareAt(measurement, 0);
  const fakeShare = measurement.changed && measurement.marked ? { low, expected, high } : undefined;
  const methods = forecastMethods.map((method): MethodForecast => {
    const points = ways.map((way) => pointOf(method, measurement, link, way));
    return {
      method,
      bytes: range(points, 'bytes'),
      totalMs: range(points, 'totalMs'),
      downtimeMs: range(points, 'downtimeMs'),
    };
  });
  return { fakeShare, methods, confidence: confidence(measurement, fakeShare) };
}

export function rangeText({ low, expected, high }: Range, text: (value: number) => string): string {
  if (!Number.isFinite(expected)) {
    return Number.isFinite(low) ? `never (${text(low)} at best)` : 'never';
  }
  if (!Number.isFinite(high)) return `${text(expected)} (${text(low)} to never)`;
  return low === high ? text(expected) : `${text(expected)} (${text(low)} to ${text(high)})`;
}
