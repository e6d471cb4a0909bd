// What a migration would cost by each method, from a measurement made before it. Pure.
import type { DirtyingMeasurement, Measured } from '../migration/dirtying-measurement.js';
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

/** Where marks could not be counted, there are at least as many as pages that changed. */
function marksOf({ marked, markedInTwice, changed }: DirtyingMeasurement): [Measured, Measured] {
  const { pages = 0, errorPages = 0 } = changed ?? {};
  const least = { pages, errorPages: Math.max(errorPages, pages / 3) };
  return [marked ?? least, markedInTwice ?? { ...least, pages: pages * 1.5 }];
}

function behaviour(
  measurement: DirtyingMeasurement,
  link: Link,
  way: Way,
  fake: number,
): Behaviour {
  const { seconds, ramBytes, pageBytes } = measurement;
  const [marked, markedInTwice] = marksOf(measurement);
  const once = off(marked, way);
  const twice = Math.max(once, off(markedInTwice, way));
  const grows = once > 0 ? twice / once : 1;
  // Marks that become fewer the longer one looks approach a working set: m, m(1 + q), m(1 + q + q²) ...
  const ratio = Math.min(0.95, Math.max(0, grows - 1));
  const limit = grows < growthLeft ? twice : once / (1 - ratio);
  return {
    markedPagesPerMs: once / (seconds * 1000),
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
function firstWalk({ ramBytes, pageBytes, zeroPages = 0 }: DirtyingMeasurement, guest: Behaviour) {
  const { bytes: full } = walk(ramBytes / pageBytes - zeroPages, { ...guest, fakeShare: 0 });
  // A zero page is a header and one byte.
  const bytes = full + zeroPages * (pageHeaderBytes + 1);
  const ms = bytes / guest.linkBytesPerMs;
  return { bytes, ms, marked: Math.min(guest.workingSetPages, guest.markedPagesPerMs * ms) };
}

function preCopy(measurement: DirtyingMeasurement, guest: Behaviour, limitMs: number): Point {
  const first = firstWalk(measurement, guest);
  const rest = goOn(first.ms, first.marked, limitMs, guest);
  return { ...rest, bytes: first.bytes + rest.bytes };
}

/** As it is done here: after a first pass of pre-copy, whatever is marked is fetched. */
function postCopy(measurement: DirtyingMeasurement, guest: Behaviour): Point {
  const first = firstWalk(measurement, guest);
  const { bytes, ms } = walk(first.marked, { ...guest, fakeShare: 0 });
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
  return method === 'post-copy'
    ? postCopy(measurement, guest)
    : preCopy(measurement, guest, limitMs);
}

function confidence(measurement: DirtyingMeasurement, fakeShare: Range | undefined): string {
  const { contents, lookedAtPages, zeroPages, seconds } = measurement;
  const [marked] = marksOf(measurement);
  const how = {
    fingerprints: `All ${lookedAtPages} pages were fingerprinted twice, ${seconds} s apart.`,
    sample: `QEMU sampled ${lookedAtPages} pages; what happens in a few others may have been missed.`,
    none: 'Contents could not be looked at: memory is in no shared file, and too small for QEMU to sample.',
  }[contents];
  const marks = measurement.marked
    ? ''
    : ' Without KVM marks can not be counted: there may be more than pages that changed.';
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
  if (!Number.isFinite(expected)) return 'never';
  return low === high ? text(expected) : `${text(expected)} (${text(low)} to ${text(high)})`;
}
