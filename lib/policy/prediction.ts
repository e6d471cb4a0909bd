// What remains of a migration under each choice, from the verdicts so far, with error bars.
//
// The guest marks pages at a rate until its working set is marked; of those a share is fake, which costs a look
// but no bytes; the rest goes over the link. The three figures are taken from the last passes; the bars are
// what comes out with each of them off by its spread, all in the good or all in the bad direction.
import type { Observation } from '../migration/decision.js';
import type { Pass } from '../migration/pass.js';
import { fakeShareOf, livePasses } from './dirtying.js';

/** Expected, and between what it should lie. */
export interface Range {
  readonly low: number;
  readonly expected: number;
  readonly high: number;
}

export interface Prediction {
  readonly choice: 'go-on' | 'stop-now' | 'post-copy';
  /** Infinity: it never ends. */
  readonly remainingPasses: Range;
  /** Of the whole migration. */
  readonly totalMs: Range;
  readonly downtimeMs: Range;
  /** Still to be sent. */
  readonly bytes: Range;
}

/** How the guest and the link behave: what the prediction rests on. */
export interface Behaviour {
  readonly markedPagesPerMs: number;
  readonly workingSetPages: number;
  /** Of the marked pages, those that hold what the destination has. */
  readonly fakeShare: number;
  readonly bytesPerPage: number;
  readonly linkBytesPerMs: number;
  /** QEMU keeps to the bandwidth limit while the guest runs here, and no longer. */
  readonly unlimitedLinkBytesPerMs: number;
  /** What standing still takes besides sending. */
  readonly switchMs: number;
  /** The filter's own time. */
  readonly msPerCheckedPage: number;
}

const recentPasses = 4;
const mostPasses = 200;
/** Stopping, the state of the devices, starting at the other side: in the good case, usually, on a busy machine. */
const switchTimesMs = { [-1]: 10, 0: 20, 1: 60 } as const;

export function switchTimeMs(direction: -1 | 0 | 1): number {
  return switchTimesMs[direction];
}
/** QEMU looks ten times a second whether what is left fits into the downtime. */
const reactionMs = 50;
/** A pass that leaves that much less to do still converges. */
const converging = 0.99;

interface Spread {
  readonly mean: number;
  readonly deviation: number;
}

function spread(values: readonly number[], unknown: number): Spread {
  if (values.length === 0) return { mean: unknown, deviation: 0 };
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  // One value says nothing of its spread: a third of it, until more is known.
  const deviation = values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : mean / 3;
  return { mean, deviation };
}

/** Until the filter has seen pages again. */
const anyShare: Spread = { mean: 0.5, deviation: 0.5 };
const saturated = 0.97;
/** Of the bandwidth limit: who sends that much would send more. */
const heldBackShare = 0.75;
/** Where a whole working set is marked, its pages were marked at least that fast: it says less. */
function markingSpread(recent: readonly Pass[], workingSetPages: number): Spread {
  const rateOf = (pass: Pass) => pass.dirtyPages / passMs(pass);
  const partly = recent.filter(({ dirtyPages }) => dirtyPages < workingSetPages * saturated);
  if (partly.length > 0) return spread(partly.map(rateOf), 0);
  const least = Math.max(...recent.map(rateOf));
  return { mean: least * 1.5, deviation: least / 2 };
}

function passMs({ startMs, endMs, merged }: Pass): number {
  return Math.max(0.1, (endMs - startMs) / merged);
}

export const pageHeaderBytes = 8;

function observed(
  observation: Observation,
  recent: readonly Pass[],
  direction: -1 | 0 | 1,
): Behaviour {
  const { pageBytes, passes } = observation;
  const off = ({ mean, deviation }: Spread) => Math.max(0, mean + direction * deviation);
  const again = recent.filter(({ number, merged }) => number - merged > 0);
  const workingSetPages = Math.max(0, ...livePasses(passes).map(({ dirtyPages }) => dirtyPages));
  const marked = markingSpread(recent, workingSetPages);
  const shares = recent.flatMap((pass) => fakeShareOf(pass) ?? []);
  const hasFilter = recent.some(({ verdicts }) => verdicts);
  const fake = shares.length > 0 || !hasFilter ? spread(shares, 0) : anyShare;
  const link = spread(
    recent.map(({ linkBytesPerSecond }) => linkBytesPerSecond / 1000),
    1,
  );
  const sent = again.reduce((sum, { sentBytes }) => sum + sentBytes, 0);
  const pages = again.reduce((sum, { normalPages }) => sum + normalPages, 0);
  const checked = recent.reduce((sum, { verdicts }) => sum + (verdicts?.checked ?? 0), 0);
  const filterNs = recent.reduce((sum, { verdicts }) => sum + (verdicts?.filterNs ?? 0), 0);
  const linkBytesPerMs = Math.max(
    1e-3,
    link.mean - direction * Math.min(link.deviation, link.mean / 2),
  );
  const limitBytesPerMs = observation.bandwidthLimitBytesPerSecond / 1000;
  // A link that is not used to the full may be as fast as can be.
  const isHeldBack = limitBytesPerMs > 0 && link.mean > limitBytesPerMs * heldBackShare;
  return {
    markedPagesPerMs: off(marked),
    workingSetPages,
    fakeShare: Math.min(1, Math.max(0, fake.mean - direction * fake.deviation)),
    bytesPerPage: pages > 0 ? Math.min(sent / pages, pageBytes * 2) : pageBytes + pageHeaderBytes,
    linkBytesPerMs,
    unlimitedLinkBytesPerMs:
      isHeldBack && direction < 0 ? Number.POSITIVE_INFINITY : linkBytesPerMs,
    switchMs: switchTimeMs(direction),
    msPerCheckedPage: checked > 0 ? filterNs / 1e6 / checked : 0,
  };
}

export type Point = Record<'remainingPasses' | 'totalMs' | 'downtimeMs' | 'bytes', number>;

interface Walk {
  readonly ms: number;
  readonly bytes: number;
}

/** Looking at that many marked pages, and sending those that changed. */
export function walk(
  pages: number,
  { fakeShare, bytesPerPage, linkBytesPerMs, msPerCheckedPage }: Behaviour,
): Walk {
  const bytes = pages * (1 - fakeShare) * bytesPerPage;
  return { bytes, ms: bytes / linkBytesPerMs + pages * msPerCheckedPage };
}

/** Passes until what is left fits into the downtime. */
export function goOn(
  elapsedMs: number,
  dirty: number,
  limitMs: number,
  behaviour: Behaviour,
): Point {
  let [pages, ms, bytes] = [dirty, elapsedMs, 0];
  for (let pass = 0; pass < mostPasses; pass += 1) {
    const next = walk(pages, behaviour);
    bytes += next.bytes;
    if (next.ms <= limitMs) {
      const linkBytesPerMs = behaviour.unlimitedLinkBytesPerMs;
      const downtimeMs = walk(pages, { ...behaviour, linkBytesPerMs }).ms + behaviour.switchMs;
      return { remainingPasses: pass, totalMs: ms + downtimeMs, downtimeMs, bytes };
    }
    ms += next.ms;
    const { markedPagesPerMs, workingSetPages } = behaviour;
    const marked = Math.min(workingSetPages, markedPagesPerMs * next.ms);
    // Once it does not get less, it never will: the guest fills each pass anew.
    if (pass > 0 && marked >= pages * converging) break;
    pages = marked;
  }
  const never = Number.POSITIVE_INFINITY;
  return { remainingPasses: never, totalMs: never, downtimeMs: never, bytes: never };
}

/** What has to be sent if the guest is stopped now: what is left of the last marks, and those made since. */
function pagesNow(sinceMs: number, dirty: number, behaviour: Behaviour): number {
  const { markedPagesPerMs, workingSetPages } = behaviour;
  const { ms } = walk(dirty, behaviour);
  const left = ms > sinceMs ? dirty * (1 - sinceMs / ms) : 0;
  const marked = markedPagesPerMs * (sinceMs + reactionMs);
  return Math.max(left, Math.min(workingSetPages, left + marked));
}

function point(
  choice: Prediction['choice'],
  { elapsedMs, downtimeLimitMs, pageBytes }: Observation,
  { endMs, dirtyPages }: Pass,
  behaviour: Behaviour,
): Point {
  if (choice === 'go-on') {
    // The pass under way is not over yet, whatever was expected of it.
    const beganMs = Math.max(endMs, elapsedMs - walk(dirtyPages, behaviour).ms);
    return goOn(beganMs, dirtyPages, downtimeLimitMs, behaviour);
  }
  const pages = pagesNow(elapsedMs - endMs, dirtyPages, behaviour);
  const { unlimitedLinkBytesPerMs: linkBytesPerMs, switchMs } = behaviour;
  if (choice === 'stop-now') {
    const { ms, bytes } = walk(pages, { ...behaviour, linkBytesPerMs });
    const downtimeMs = ms + switchMs;
    const totalMs = elapsedMs + reactionMs + downtimeMs;
    return { remainingPasses: 0, totalMs, downtimeMs, bytes };
  }
  // Nothing is skipped any more, nor compressed: every page still marked is sent.
  const bytes = pages * (pageBytes + pageHeaderBytes);
  const totalMs = elapsedMs + switchMs + bytes / linkBytesPerMs;
  return { remainingPasses: 0, totalMs, downtimeMs: switchMs, bytes };
}

/** Of what comes out in the good case, as expected, and in the bad one. */
export function range(points: readonly Point[], member: keyof Point): Range {
  const values = points.map((each) => each[member]);
  return {
    low: Math.min(...values),
    expected: values[1] ?? 0,
    high: Math.max(...values),
  };
}

export interface Outlook {
  /** How the guest is expected to go on. */
  readonly behaviour: Behaviour;
  readonly predictions: readonly Prediction[];
}

/** What each choice would come to; undefined as long as no pass has ended. */
export function predict(observation: Observation): Outlook | undefined {
  const live = livePasses(observation.passes);
  const last = live.at(-1);
  if (!last) return undefined;
  const recent = live.slice(-recentPasses);
  const behaviours = ([-1, 0, 1] as const).map((way) => observed(observation, recent, way));
  const [, behaviour] = behaviours;
  if (!behaviour) return undefined;
  const choices = ['go-on', 'stop-now', 'post-copy'] as const;
  const predictions = choices
    .filter((choice) => choice !== 'post-copy' || observation.postcopyPossible)
    .map((choice): Prediction => {
      const points = behaviours.map((each) => point(choice, observation, last, each));
      return {
        choice,
        remainingPasses: range(points, 'remainingPasses'),
        totalMs: range(points, 'totalMs'),
        downtimeMs: range(points, 'downtimeMs'),
        bytes: range(points, 'bytes'),
      };
    });
  return { behaviour, predictions };
}
