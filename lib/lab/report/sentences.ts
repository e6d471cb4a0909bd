// What the numbers support, in sentences, and nothing more.

import { threeDigits } from '../../format/columns.js';
import { minValues, type Ratio, ratioOf } from '../../statistics/samples.js';
import { stoppedText } from './comparison-text.js';
import {
  type CellSummary,
  type Comparable,
  type Metric,
  stoppedByLimit,
  valuesOf,
} from './summary.js';

/** A smaller relative difference may come from the machine; nobody should act on it. */
export const minDifference = 0.02;

/** Undefined: there may be no difference, or one that nobody should act on. */
function significantDirection({ atLeast, atMost }: Ratio): 'less' | 'more' | undefined {
  if (atMost < 1 - minDifference) return 'less';
  return atLeast > 1 + minDifference ? 'more' : undefined;
}

/** In how many rounds of which methods the value was 0; undefined: in none. */
function zerosOf(metric: Metric, cells: readonly CellSummary[]): string | undefined {
  const counts = cells.flatMap((cell) => {
    const { values = [] } = valuesOf(cell, metric) ?? {};
    const zeros = values.filter((value) => value === 0).length;
    return zeros > 0 ? [`in ${zeros} of ${values.length} rounds of ${cell.cell.method}`] : [];
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
    return { bound: `at most ${threeDigits(ratio.atMost)}`, direction };
  }
  if (direction === 'more' && stoppedByLimit(baseline) === 0) {
    return { bound: `at least ${threeDigits(ratio.atLeast)}`, direction };
  }
  return undefined;
}

function sentence(metric: Metric, baseline: CellSummary, other: CellSummary): string | undefined {
  const [base, here] = [valuesOf(baseline, metric), valuesOf(other, metric)];
  if (!base || !here) return undefined;
  const [name, first] = [other.cell.method, baseline.cell.method];
  const what = metric.name.toLowerCase();
  if (Math.min(base.values.length, here.values.length) < minValues) {
    return `${name}: too few rounds to compare the ${what} with ${first}; ${minValues} are needed.`;
  }
  const ratio = ratioOf(here.values, base.values);
  const stops = stopsOf([other, baseline]);
  if (stops) {
    const holds = ratio && metric.growsWithoutLimit && boundWithoutLimit(ratio, baseline, other);
    return holds
      ? `${name}: ${holds.bound} times the ${what} with ${first}, significantly ${holds.direction} (99 % CI); ` +
          `${stops}, and without the limit the difference would have been larger.`
      : `${name}: the ${what} can't be compared with ${first}: ${stops}; ${metric.whenStopped}.`;
  }
  const zeros = zerosOf(metric, [other, baseline]);
  if (zeros) {
    return `${name}: the ${what} can't be given as a multiple of that with ${first}: it is 0 ${zeros}.`;
  }
  if (!ratio) return undefined;
  const interval = `99 % CI ${threeDigits(ratio.atLeast)} to ${threeDigits(ratio.atMost)}`;
  const direction = significantDirection(ratio);
  return direction
    ? `${name}: ${threeDigits(ratio.ratio)} times the ${what} with ${first}, significantly ${direction} (${interval}).`
    : `${name}: no significant difference from ${first} in the ${what} (${interval} times as much).`;
}

/** A sentence for each method, comparing it with the first one. */
export function sentencesOf(metric: Metric, { cells }: Pick<Comparable, 'cells'>): string[] {
  const [baseline, ...others] = cells;
  if (!baseline) return [];
  return others.flatMap((other) => sentence(metric, baseline, other) ?? []);
}
