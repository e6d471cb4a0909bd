// What is left of a migration under each choice, predicted from the verdicts so far, with error bars.
//
// The guest marks pages at a rate until its whole working set is marked. A share of them is fake: it costs the time of
// a check but no bytes. The rest goes over the link. Rate, share and link speed are taken from the last passes. The
// bars are the results with all three off by their standard deviation, in the good or in the bad direction.
import { checkObject } from '../errors/check-options.js';
import { OptionError } from '../errors/option-error.js';
import { shown } from '../errors/shown.js';
import type { Observation } from '../migration/decision.js';
import type { Pass } from '../migration/pass.js';
import { checkNumbers } from './check-settings.js';
import { fakeShareOf, livePasses } from './dirtying.js';

/** An expected value with its error bars. Infinity: there is no end to it. */
export interface PredictedRange {
  /** In the good case. */
  readonly low: number;
  /** The expected value. */
  readonly expected: number;
  /** In the bad case. */
  readonly high: number;
}

/** What one choice would lead to. */
export interface Prediction {
  /** The choice. */
  readonly choice: 'go-on' | 'stop-now' | 'post-copy';
  /** How many passes are left. */
  readonly remainingPasses: PredictedRange;
  /** The total time of the migration, from its beginning on. */
  readonly totalMs: PredictedRange;
  /** The predicted downtime. */
  readonly downtimeMs: PredictedRange;
  /** Bytes that are still to be sent. */
  readonly bytes: PredictedRange;
}

/** How the guest and the link behave: what a prediction is computed from. */
export interface Behaviour {
  /** How fast the guest marks pages dirty. */
  readonly markedPagesPerMs: number;
  /** How many pages the guest keeps writing. */
  readonly workingSetPages: number;
  /** Which share of the marked pages is fake dirty: 0 to 1. */
  readonly fakeShare: number;
  /** What a page that is sent costs on the link. */
  readonly bytesPerPage: number;
  /** How fast the link is while the guest runs at the source. */
  readonly linkBytesPerMs: number;
  /** How fast the link is after that, when QEMU no longer keeps to the bandwidth limit. */
  readonly unlimitedLinkBytesPerMs: number;
  /** The part of the downtime that is not spent on sending. */
  readonly switchMs: number;
  /** How long the filter takes for a page. */
  readonly msPerCheckedPage: number;
}

const recentPasses = 4;
const maxPasses = 200;
/** Which case is computed: the good one, the expected one, or the bad one. */
export type Case = -1 | 0 | 1;

/** All cases, in order. */
export const cases = [-1, 0, 1] as const;

/** Stopping the guest, sending device state, starting at the destination; in the bad case on a busy machine. */
const switchTimesMs = { [-1]: 10, 0: 20, 1: 60 } as const;

export function switchTimeMs(which: Case): number {
  return switchTimesMs[which];
}

/** QEMU checks ten times a second whether what is left fits into the downtime: it reacts after this, on average. */
const reactionMs = 50;
/** A pass that leaves less than this share of the pages before it still converges. */
const convergingShare = 0.99;

interface Spread {
  readonly mean: number;
  readonly deviation: number;
}

function spread(values: readonly number[], meanOfNone: number): Spread {
  if (values.length === 0) return { mean: meanOfNone, deviation: 0 };
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  // One value says nothing about its spread: assume a third of it.
  const deviation = values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : mean / 3;
  return { mean, deviation };
}

/** Unknown until the filter has seen pages a second time. */
const unknownShare: Spread = { mean: 0.5, deviation: 0.5 };
/** With this share of the working set marked, all of it counts as marked. */
const saturatedShare = 0.97;
/** A source that sends this share of its bandwidth limit would send more without it. */
const throttledShare = 0.75;

/** Where the whole working set is marked, the rate is only known to be at least that high. */
function markingSpread(recent: readonly Pass[], workingSetPages: number): Spread {
  const rateOf = (pass: Pass) => pass.dirtyPages / passMs(pass);
  const partly = recent.filter(({ dirtyPages }) => dirtyPages < workingSetPages * saturatedShare);
  if (partly.length > 0) return spread(partly.map(rateOf), 0);
  const minRate = Math.max(...recent.map(rateOf));
  return { mean: minRate * 1.5, deviation: minRate / 2 };
}

function passMs({ startMs, endMs, merged }: Pass): number {
  return Math.max(0.1, (endMs - startMs) / merged);
}

/** QEMU sends this before each page. */
export const pageHeaderBytes = 8;

function observedBehaviour(
  observation: Observation,
  recent: readonly Pass[],
  which: Case,
): Behaviour {
  const { pageBytes, passes } = observation;
  const inThisCase = ({ mean, deviation }: Spread) => Math.max(0, mean + which * deviation);
  const afterFirst = recent.filter(({ number, merged }) => number - merged > 0);
  const workingSetPages = Math.max(0, ...livePasses(passes).map(({ dirtyPages }) => dirtyPages));
  const marked = markingSpread(recent, workingSetPages);
  const shares = recent.flatMap((pass) => fakeShareOf(pass) ?? []);
  const hasFilter = recent.some(({ verdicts }) => verdicts);
  const fake = shares.length > 0 || !hasFilter ? spread(shares, 0) : unknownShare;
  const link = spread(
    recent.map(({ linkBytesPerSecond }) => linkBytesPerSecond / 1000),
    1,
  );
  const sent = afterFirst.reduce((sum, { sentBytes }) => sum + sentBytes, 0);
  const pages = afterFirst.reduce((sum, { normalPages }) => sum + normalPages, 0);
  const checked = recent.reduce((sum, { verdicts }) => sum + (verdicts?.checked ?? 0), 0);
  const filterNs = recent.reduce((sum, { verdicts }) => sum + (verdicts?.filterNs ?? 0), 0);
  const linkBytesPerMs = Math.max(
    1e-3,
    link.mean - which * Math.min(link.deviation, link.mean / 2),
  );
  const limitBytesPerMs = observation.bandwidthLimitBytesPerSecond / 1000;
  // Beyond the limit, the link may be as fast as can be.
  const isThrottled = limitBytesPerMs > 0 && link.mean > limitBytesPerMs * throttledShare;
  return {
    markedPagesPerMs: inThisCase(marked),
    workingSetPages,
    fakeShare: Math.min(1, Math.max(0, fake.mean - which * fake.deviation)),
    bytesPerPage: pages > 0 ? Math.min(sent / pages, pageBytes * 2) : pageBytes + pageHeaderBytes,
    linkBytesPerMs,
    unlimitedLinkBytesPerMs: isThrottled && which < 0 ? Number.POSITIVE_INFINITY : linkBytesPerMs,
    switchMs: switchTimeMs(which),
    msPerCheckedPage: checked > 0 ? filterNs / 1e6 / checked : 0,
  };
}

/** What comes out in one case. */
export type CaseResult = Record<'remainingPasses' | 'totalMs' | 'downtimeMs' | 'bytes', number>;

/** Pages that are left. */
interface Left {
  /** They are known to have changed. */
  readonly changed: number;
  /** Nobody has looked at these. */
  readonly marked: number;
}

interface PassCost {
  readonly ms: number;
  readonly bytes: number;
}

/** The cost of checking that many marked pages and sending those that changed. */
export function passCost(
  pages: number,
  { fakeShare, bytesPerPage, linkBytesPerMs, msPerCheckedPage }: Behaviour,
): PassCost {
  const bytes = pages * (1 - fakeShare) * bytesPerPage;
  return { bytes, ms: bytes / linkBytesPerMs + pages * msPerCheckedPage };
}

/**
 * Which pages are left if QEMU ends the migration where so many are marked; undefined if it does not end. With the filter
 * it looks at them first, then at those marked meanwhile, as long as they become half as many each time. What it has
 * not looked at counts as changed.
 */
function leftAtTheEnd(dirty: number, limitMs: number, behaviour: Behaviour): Left | undefined {
  const { fakeShare, bytesPerPage, linkBytesPerMs, msPerCheckedPage } = behaviour;
  const { markedPagesPerMs, workingSetPages } = behaviour;
  const maxPages = (limitMs * linkBytesPerMs) / bytesPerPage;
  for (let [changed, marked] = [0, dirty]; changed <= maxPages; ) {
    if (changed + marked <= maxPages) return { changed, marked };
    changed += marked * (1 - fakeShare);
    const meanwhile = Math.min(workingSetPages, markedPagesPerMs * marked * msPerCheckedPage);
    if (fakeShare === 0 || meanwhile > marked / 2) return undefined;
    marked = meanwhile;
  }
  return undefined;
}

/** Goes on with passes of pre-copy until what is left fits into the downtime. */
export function predictPreCopy(
  elapsedMs: number,
  dirty: number,
  limitMs: number,
  behaviour: Behaviour,
): CaseResult {
  let [pages, ms, bytes] = [dirty, elapsedMs, 0];
  for (let pass = 0; pass < maxPasses; pass += 1) {
    const left = leftAtTheEnd(pages, limitMs, behaviour);
    if (left) {
      const unlimited = { ...behaviour, linkBytesPerMs: behaviour.unlimitedLinkBytesPerMs };
      const changed = passCost(left.changed, { ...unlimited, fakeShare: 0 });
      const marked = passCost(left.marked, unlimited);
      const downtimeMs = changed.ms + marked.ms + behaviour.switchMs;
      bytes += changed.bytes + marked.bytes;
      return { remainingPasses: pass, totalMs: ms + downtimeMs, downtimeMs, bytes };
    }
    const next = passCost(pages, behaviour);
    bytes += next.bytes;
    ms += next.ms;
    const { markedPagesPerMs, workingSetPages } = behaviour;
    const marked = Math.min(workingSetPages, markedPagesPerMs * next.ms);
    // Once a pass does not leave less, none will: the guest marks as much again during each.
    if (pass > 0 && marked >= pages * convergingShare) break;
    pages = marked;
  }
  const never = Number.POSITIVE_INFINITY;
  return { remainingPasses: never, totalMs: never, downtimeMs: never, bytes: never };
}

/** Pages to send if the guest is stopped now: what is left of the last marks, and those made since. */
function markedNow(sinceMs: number, dirty: number, behaviour: Behaviour): number {
  const { markedPagesPerMs, workingSetPages } = behaviour;
  const { ms } = passCost(dirty, behaviour);
  const left = ms > sinceMs ? dirty * (1 - sinceMs / ms) : 0;
  const marked = markedPagesPerMs * (sinceMs + reactionMs);
  return Math.max(left, Math.min(workingSetPages, left + marked));
}

function resultOf(
  choice: Prediction['choice'],
  { elapsedMs, downtimeLimitMs, pageBytes }: Observation,
  { endMs, dirtyPages }: Pass,
  behaviour: Behaviour,
): CaseResult {
  if (choice === 'go-on') {
    // The pass under way has not ended yet, whatever was predicted of it.
    const beganMs = Math.max(endMs, elapsedMs - passCost(dirtyPages, behaviour).ms);
    return predictPreCopy(beganMs, dirtyPages, downtimeLimitMs, behaviour);
  }
  const pages = markedNow(elapsedMs - endMs, dirtyPages, behaviour);
  const { unlimitedLinkBytesPerMs: linkBytesPerMs, switchMs } = behaviour;
  if (choice === 'stop-now') {
    const { ms, bytes } = passCost(pages, { ...behaviour, linkBytesPerMs });
    const downtimeMs = ms + switchMs;
    const totalMs = elapsedMs + reactionMs + downtimeMs;
    return { remainingPasses: 0, totalMs, downtimeMs, bytes };
  }
  // In post-copy nothing is skipped or compressed: every page still marked is sent.
  const bytes = pages * (pageBytes + pageHeaderBytes);
  const totalMs = elapsedMs + switchMs + bytes / linkBytesPerMs;
  return { remainingPasses: 0, totalMs, downtimeMs: switchMs, bytes };
}

/** The range of one figure over the good, the expected and the bad case. */
export function rangeOf(results: readonly CaseResult[], member: keyof CaseResult): PredictedRange {
  const values = results.map((each) => each[member]);
  return {
    low: Math.min(...values),
    expected: values[1] ?? 0,
    high: Math.max(...values),
  };
}

/** Predictions of all choices. */
export interface PredictionSet {
  /** What they are computed from. */
  readonly behaviour: Behaviour;
  /** A prediction for each choice that is possible. */
  readonly predictions: readonly Prediction[];
}

const figures = [
  'ramBytes',
  'pageBytes',
  'downtimeLimitMs',
  'bandwidthLimitBytesPerSecond',
  'elapsedMs',
];

/** Predicts what each choice would lead to; undefined as long as no pass has ended. */
export function predict(observation: Observation): PredictionSet | undefined {
  checkObject('observation', observation, 'what a policy is given');
  checkNumbers(observation, figures, true);
  if (!Array.isArray(observation.passes)) {
    throw new OptionError('passes', `is ${shown(observation.passes)}; expected a list of passes`);
  }
  const live = livePasses(observation.passes);
  const last = live.at(-1);
  if (!last) return undefined;
  const recent = live.slice(-recentPasses);
  const behaviours = cases.map((which) => observedBehaviour(observation, recent, which));
  const [, behaviour] = behaviours;
  if (!behaviour) return undefined;
  const choices = ['go-on', 'stop-now', 'post-copy'] as const;
  const predictions = choices
    .filter((choice) => choice !== 'post-copy' || observation.postcopyPossible)
    .map((choice): Prediction => {
      const results = behaviours.map((each) => resultOf(choice, observation, last, each));
      return {
        choice,
        remainingPasses: rangeOf(results, 'remainingPasses'),
        totalMs: rangeOf(results, 'totalMs'),
        downtimeMs: rangeOf(results, 'downtimeMs'),
        bytes: rangeOf(results, 'bytes'),
      };
    });
  return { behaviour, predictions };
}
