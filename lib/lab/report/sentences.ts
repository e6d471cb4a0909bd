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

function sentence(metric: Metric, baseline: CellSummary, other: CellSummary): string | undefined {
  const [base, here] = [valuesOf(baseline, metric), valuesOf(other, metric)];
  if (!base || !here) return undefined;
  const [name, first] = [other.cell.method, baseline.cell.method];
  const what = metric.name.toLowerCase();
  const found = ratioOf(here.values, base.values);
  if (!found) {
    return `${name}: too few rounds to compare its ${what} with that of ${first}; ${fewestValues} are needed.`;
  }
  const { ratio, atLeast, atMost } = found;
  if (!Number.isFinite(ratio)) return undefined;
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
