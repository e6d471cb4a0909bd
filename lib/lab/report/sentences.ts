// What the numbers support, in sentences, and nothing else.

import { fewestValues, ratioOf } from '../results/statistics.js';
import type { CellSummary, Comparable, Metric } from '../results/summary.js';
import { valuesOf } from '../results/summary.js';
import { threeDigits } from './columns.js';

/** Less than this comes and goes with the machine; nobody should act on it. */
const leastDifference = 0.02;

function times(value: number): string {
  return threeDigits(value);
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

function sentence(metric: Metric, baseline: CellSummary, other: CellSummary): string | undefined {
  const [base, here] = [valuesOf(baseline, metric), valuesOf(other, metric)];
  if (!base || !here) return undefined;
  const [name, first] = [other.cell.method, baseline.cell.method];
  const what = metric.name.toLowerCase();
  if (Math.min(base.values.length, here.values.length) < fewestValues) {
    return `${name}: too few rounds to compare its ${what} with that of ${first}; ${fewestValues} are needed.`;
  }
  const zeros = zerosOf(metric, [other, baseline]);
  if (zeros)
    return `${name}: ${what} can't be told as a multiple of that of ${first}: it is 0 ${zeros}.`;
  const found = ratioOf(here.values, base.values);
  if (!found) return undefined;
  const { ratio, atLeast, atMost } = found;
  const between = `between ${times(atLeast)} and ${times(atMost)} times`;
  const sure = atMost < 1 - leastDifference || atLeast > 1 + leastDifference;
  if (!sure) {
    return `${name}: no difference from ${first} seen in ${what} (${between} as much would fit).`;
  }
  const direction = ratio < 1 ? 'less' : 'more';
  return `${name}: ${what} is ${times(ratio)} times that of ${first}, ${direction} for sure (${between}).`;
}

/** Each method against the first one. */
export function sentencesOf(metric: Metric, { cells }: Comparable): string[] {
  const [baseline, ...others] = cells;
  if (!baseline) return [];
  return others.flatMap((other) => sentence(metric, baseline, other) ?? []);
}
