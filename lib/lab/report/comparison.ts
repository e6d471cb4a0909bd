// What the rounds of a method and those of the first method say of a figure: whether they differ, how much, and if that
// can't be told, why not.

import { plural } from '../../format/plural.js';
import { minValues, type Ratio, ratioOf } from '../../statistics/samples.js';
import { stoppedText } from './stopped-text.js';
import { type CellSummary, type Metric, stoppedByLimit, valuesOf } from './summary.js';

/** A smaller relative difference may come from the machine; nobody should act on it. */
export const minDifference = 0.02;

/** Where the values differ significantly: which way. */
export type Direction = 'less' | 'more';

/** What can be said of a figure of a method, as a multiple of the same figure of the first method. */
export type Comparison =
  | { readonly kind: 'too-few-rounds' }
  /** Neither: the reason says what stands in the way. */
  | {
      readonly kind: 'not-comparable';
      readonly because: 'limit' | 'zeros';
      readonly reason: string;
    }
  /** One was stopped at the limit: without it, the difference would have been larger. */
  | {
      readonly kind: 'bound';
      readonly direction: Direction;
      /** The ratio is at most that, or at least. */
      readonly bound: number;
      readonly stops: string;
    }
  | { readonly kind: 'significant'; readonly direction: Direction; readonly ratio: Ratio }
  | { readonly kind: 'not-significant'; readonly ratio: Ratio };

/** Undefined: there may be no difference, or one that nobody should act on. */
function significantDirection({ atLeast, atMost }: Ratio): Direction | undefined {
  if (atMost < 1 - minDifference) return 'less';
  return atLeast > 1 + minDifference ? 'more' : undefined;
}

/** In how many rounds of which methods the value was 0; undefined: in none. */
function zerosOf(metric: Metric, cells: readonly CellSummary[]): string | undefined {
  const counts = cells.flatMap((cell) => {
    const { values = [] } = valuesOf(cell, metric) ?? {};
    const zeros = values.filter((value) => value === 0).length;
    return zeros > 0
      ? [`in ${zeros} of ${plural(values.length, 'round')} of ${cell.cell.method}`]
      : [];
  });
  return counts.length > 0 ? counts.join(', ') : undefined;
}

/** Which methods were stopped at the limit, and in how many rounds; undefined: none. */
function stopsOf(cells: readonly CellSummary[]): string | undefined {
  const [one, ...more] = cells.filter((cell) => stoppedByLimit(cell) > 0);
  if (!one) return undefined;
  const others = more.map((cell) => `, ${cell.cell.method} in ${stoppedText(cell)}`).join('');
  return `${one.cell.method} did not converge within the limit in ${stoppedText(one)} rounds${others}`;
}

/**
 * What holds of the ratio without the limit as well: if only the method with the higher value was stopped, its value would
 * have been higher still. Undefined: nothing holds.
 */
function boundWithoutLimit(ratio: Ratio, baseline: CellSummary, other: CellSummary) {
  const direction = significantDirection(ratio);
  if (direction === 'less' && stoppedByLimit(other) === 0) {
    return { bound: ratio.atMost, direction };
  }
  if (direction === 'more' && stoppedByLimit(baseline) === 0) {
    return { bound: ratio.atLeast, direction };
  }
  return undefined;
}

/** Compares a figure of a method with that of the first method; undefined: one of them has no values. */
export function compare(
  metric: Metric,
  baseline: CellSummary,
  other: CellSummary,
): Comparison | undefined {
  const [base, here] = [valuesOf(baseline, metric), valuesOf(other, metric)];
  if (!base || !here) return undefined;
  if (Math.min(base.values.length, here.values.length) < minValues) {
    return { kind: 'too-few-rounds' };
  }
  const ratio = ratioOf(here.values, base.values);
  const stops = stopsOf([other, baseline]);
  if (stops) {
    const holds = ratio && metric.growsWithoutLimit && boundWithoutLimit(ratio, baseline, other);
    if (holds) return { kind: 'bound', ...holds, stops };
    return { kind: 'not-comparable', because: 'limit', reason: `${stops}; ${metric.whenStopped}` };
  }
  const zeros = zerosOf(metric, [other, baseline]);
  if (zeros) return { kind: 'not-comparable', because: 'zeros', reason: `it is 0 ${zeros}` };
  if (!ratio) return undefined;
  const direction = significantDirection(ratio);
  return direction ? { kind: 'significant', direction, ratio } : { kind: 'not-significant', ratio };
}

/** Whether a difference can be relied on. */
export function isSignificant(comparison: Comparison | undefined): boolean {
  return comparison?.kind === 'significant' || comparison?.kind === 'bound';
}
