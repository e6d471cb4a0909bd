// The method that is predicted to cost least.
import { bytesText, timeText } from '../../format/text.js';
import type { VmMeasurement } from '../../site/measurement.js';
import type { MoveMethod, MovePrediction } from '../../site/move.js';
import { type Path, predictMove } from '../model/predict.js';
import type { MethodChoice, Possible } from './choice.js';
import { methodName } from './method-options.js';

/** What counts: a weight for each, 0 and more. */
export interface Goal {
  /** How long it takes in all. */
  readonly time: number;
  /** How much is sent. */
  readonly bytes: number;
  /** How long the guest stands still. */
  readonly downtime: number;
}

/** Goals in a word. */
export const goals: Readonly<Record<'time' | 'bytes' | 'downtime', Goal>> = {
  time: { time: 1, bytes: 0, downtime: 0 },
  bytes: { time: 0, bytes: 1, downtime: 0 },
  downtime: { time: 0, bytes: 0, downtime: 1 },
};

/** How to choose. */
export interface CheapestOptions {
  readonly path: Path;
  readonly possible: Possible;
  readonly goal: Goal;
  /** Whether the source may fail midway: in post-copy that would take the VM with it. */
  readonly sourceIsFailing: boolean;
  readonly downtimeLimitMs?: number | undefined;
}

interface Candidate {
  readonly method: MoveMethod;
  readonly predicted: MovePrediction;
  /** Whether its passes of pre-copy, if it has some, are expected to come to an end. */
  readonly preCopyEnds: boolean;
}

/**
 * In post-copy a guest waits for its pages, and the death of either side is its own: that has to save a tenth at least of
 * what the goal weighs.
 */
const postCopyPrice = 1.1;

/** Whether it is expected to go on in post-copy. */
function entersPostCopy({ method, preCopyEnds }: Candidate): boolean {
  return method.name === 'post-copy' || (method.name === 'hybrid' && !preCopyEnds);
}

/** What there is, the simplest first. */
function candidates(
  measurement: VmMeasurement,
  { path, possible, sourceIsFailing, downtimeLimitMs }: CheapestOptions,
): readonly [Candidate, ...Candidate[]] {
  const { hash, postCopy } = possible;
  const filter = hash === undefined ? [] : [{ hash }];
  const hybrid = { name: 'hybrid', policy: ['intelligent-hybrid'] } as const;
  const later: readonly MoveMethod[] =
    postCopy && !sourceIsFailing
      ? [
          hybrid,
          ...filter.map((more) => ({ ...hybrid, ...more })),
          { name: 'post-copy', policy: [] },
        ]
      : [];
  const limit = downtimeLimitMs === undefined ? {} : { downtimeLimitMs };
  const candidate = (method: MoveMethod): Candidate => {
    const predict = (name: MoveMethod['name']) =>
      predictMove(measurement, path, { ...method, ...limit, name });
    const preCopyEnds = Number.isFinite(predict('pre-copy').timeMs.expected);
    return { method, predicted: predict(method.name), preCopyEnds };
  };
  const preCopy = { name: 'pre-copy', policy: [] } as const;
  const others = [...filter.map((more) => ({ ...preCopy, ...more })), ...later];
  return [candidate(preCopy), ...others.map(candidate)];
}

/** Which figures a goal weighs, each with its weight. */
function figuresOf({ time, bytes, downtime }: Goal) {
  return [
    { name: 'timeMs', weight: time },
    { name: 'bytes', weight: bytes },
    { name: 'downtimeMs', weight: downtime },
  ] as const;
}

/** Weighed shares of what the best candidate costs in each figure: what may never end costs more than anything else. */
function costs(all: readonly Candidate[], goal: Goal): Map<Candidate, number> {
  const weighed = figuresOf(goal).filter(({ weight }) => weight > 0);
  const canEnd = all.some(({ predicted }) => Number.isFinite(predicted.timeMs.high));
  const found = all.map((candidate) => {
    const { predicted } = candidate;
    if (canEnd && !Number.isFinite(predicted.timeMs.high)) {
      return [candidate, Number.POSITIVE_INFINITY] as const;
    }
    const cost = weighed.reduce((sum, { name, weight }) => {
      const least = Math.min(...all.map((other) => other.predicted[name].expected));
      const value = predicted[name].expected;
      return sum + weight * (value === least ? 1 : value / Math.max(least, Number.EPSILON));
    }, 0);
    return [candidate, entersPostCopy(candidate) ? cost * postCopyPrice : cost] as const;
  });
  return new Map(found);
}

function costText({ timeMs, bytes, downtimeMs }: MovePrediction): string {
  if (!Number.isFinite(timeMs.expected)) return 'would not end';
  const time = Number.isFinite(timeMs.high)
    ? timeText(timeMs.expected)
    : `${timeText(timeMs.expected)}, without an end in the bad case`;
  return `${time}, ${bytesText(bytes.expected)}, ${timeText(downtimeMs.expected)} of downtime`;
}

/** Chooses the method that is predicted to cost least; among equals the one that is listed first, the simplest. */
export function cheapest(measurement: VmMeasurement, options: CheapestOptions): MethodChoice {
  const all = candidates(measurement, options);
  const cost = costs(all, options.goal);
  const costOf = (candidate: Candidate) => cost.get(candidate) ?? Number.POSITIVE_INFINITY;
  const [simplest, ...rest] = all;
  const best = rest.reduce(
    (least, each) => (costOf(each) < costOf(least) ? each : least),
    simplest,
  );
  const others = all
    .filter((each) => each !== best)
    .sort((a, b) => (costOf(a) === costOf(b) ? 0 : costOf(a) - costOf(b)));
  const { possible, sourceIsFailing } = options;
  const why = sourceIsFailing
    ? ' The source may fail: in post-copy that would take the VM with it.'
    : possible.postCopy
      ? ''
      : ` Post-copy is left out: ${possible.whyNoPostCopy}.`;
  return {
    by: 'cheapest',
    method: best.method,
    reason: `Of ${all.length} methods ${methodName(best.method)} is predicted to cost least: ${costText(best.predicted)}.${why}`,
    numbers: { cost: costOf(best) },
    predicted: best.predicted,
    rejected: others.map(({ method, predicted }) => ({
      method,
      predicted,
      reason: `${methodName(method)}: ${costText(predicted)}`,
    })),
  };
}
