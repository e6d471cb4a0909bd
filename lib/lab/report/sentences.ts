// What the numbers support, in sentences, and nothing else.

import { threeDigits } from '../../format/columns.js';
import { fewestValues, type Ratio, ratioOf } from '../../statistics/samples.js';
import { stoppedText } from './comparison-text.js';
import type { CellSummary, Comparable, Metric } from './summary.js';
import { stoppedByLimit, valuesOf } from './summary.js';

/** Less than this comes and goes with the machine; nobody should act on it. */
export const leastDifference = 0.02;

function times(value: number): string {
  return threeDigits(value);
}

/** Undefined: there may be none, or one that nobody should act on. */
function sureDirection({ atLeast, atMost }: Ratio): 'less' | 'more' | undefined {
  if (atMost < 1 - leastDifference) return 'less';
  return atLeast > 1 + leastDifference ? 'more' : undefined;
}

/** In how many rounds of which methods it was 0; undefined: in none. */
function zerosOf(metric: Metric, cells: readonly CellSummary[]): string | undefined {
  const told = cells.flatMap((cell) => {
    const { values = [] } = valuesOf(cell, metric) ?? {};
    const zeros = values.filter((value) => value === 0).length;
    return zeros > 0 ? [`in ${zeros} of ${values.length} rounds of ${cell.cell.method}`] : [];
  });
  return told.length > 0 ? told.join(', ') : undefined;
}

/** Which methods the limit stopped, and in how many rounds; undefined: none. */
function stopsOf(cells: readonly CellSummary[]): string | undefined {
  const [one, ...more] = cells.filter((cell) => stoppedByLimit(cell) > 0);
  if (!one) return undefined;
  const others = more.map((cell) => `, ${cell.cell.method} in ${stoppedText(cell)}`).join('');
  return `${one.cell.method} did not end by itself within the limit in ${stoppedText(one)} rounds${others}`;
}

/**
 * What holds of the ratio without the limit as well: where only the one that has more was stopped, it would have
 * had yet more. Undefined: nothing does.
 */
function boundWithoutLimit(ratio: Ratio, baseline: CellSummary, other: CellSummary) {
  const direction = sureDirection(ratio);
  if (direction === 'less' && stoppedByLimit(other) === 0) {
    return { bound: `at most ${times(ratio.atMost)}`, direction };
  }
  if (direction === 'more' && stoppedByLimit(baseline) === 0) {
    return { bound: `at least ${times(ratio.atLeast)}`, direction };
  }
  return undefined;
}

function sentence(metric: Metric, baseline: CellSummary, other: CellSummary): string | undefined {
  const [base, here] = [valuesOf(baseline, metric), valuesOf(other, metric)];
  if (!base || !here) return undefined;
  const [name, first] = [other.cell.method, baseline.cell.method];
  const what = metric.name.toLowerCase();
  if (Math.min(base.values.length, here.values.length) < fewestValues) {
    return `${name}: too few rounds to compare its ${what} with that of ${first}; ${fewestValues} are needed.`;
  }
  const ratio = ratioOf(here.values, base.values);
  const stops = stopsOf([other, baseline]);
  if (stops) {
    const holds = ratio && metric.growsWithoutLimit && boundWithoutLimit(ratio, baseline, other);
    return holds
      ? `${name}: ${what} is ${holds.bound} times that of ${first}, ${holds.direction} for sure; ` +
          `${stops}, and without the limit the difference would have been greater.`
      : `${name}: ${what} can't be compared with that of ${first}: ${stops}; ${metric.whenStopped}.`;
  }
  const zeros = zerosOf(metric, [other, baseline]);
  if (zeros) {
    return `${name}: ${what} can't be told as a multiple of that of ${first}: it is 0 ${zeros}.`;
  }
  if (!ratio) return undefined;
  const between = `between ${times(ratio.atLeast)} and ${times(ratio.atMost)} times`;
  const direction = sureDirection(ratio);
  return direction
    ? `${name}: ${what} is ${times(ratio.ratio)} times that of ${first}, ${direction} for sure (${between}).`
    : `${name}: no difference from ${first} seen in ${what} (${between} as much would fit).`;
}

/** Each method against the first one. */
export function sentencesOf(metric: Metric, { cells }: Comparable): string[] {
  const [baseline, ...others] = cells;
  if (!baseline) return [];
  return others.flatMap((other) => sentence(metric, baseline, other) ?? []);
}
