// What the numbers support, in sentences, and nothing more.

import { threeDigits } from '../../format/columns.js';
import { minValues } from '../../statistics/samples.js';
import { compare } from './comparison.js';
import type { CellSummary, Comparable, Metric } from './summary.js';

function sentence(metric: Metric, baseline: CellSummary, other: CellSummary): string | undefined {
  const comparison = compare(metric, baseline, other);
  const [name, first] = [other.cell.method, baseline.cell.method];
  const what = metric.name.toLowerCase();
  switch (comparison?.kind) {
    case undefined:
      return undefined;
    case 'too-few-rounds':
      return `${name}: too few rounds to compare the ${what} with ${first}; ${minValues} are needed.`;
    case 'bound': {
      const { direction, bound, stops } = comparison;
      const times = `at ${direction === 'less' ? 'most' : 'least'} ${threeDigits(bound)}`;
      return (
        `${name}: ${times} times the ${what} with ${first}, significantly ${direction} (99 % CI); ` +
        `${stops}, and without the limit the difference would have been larger.`
      );
    }
    case 'not-comparable':
      return comparison.because === 'limit'
        ? `${name}: the ${what} can't be compared with ${first}: ${comparison.reason}.`
        : `${name}: the ${what} can't be given as a multiple of that with ${first}: ${comparison.reason}.`;
    case 'significant':
    case 'not-significant': {
      const { ratio, atLeast, atMost } = comparison.ratio;
      const interval = `99 % CI ${threeDigits(atLeast)} to ${threeDigits(atMost)}`;
      return comparison.kind === 'significant'
        ? `${name}: ${threeDigits(ratio)} times the ${what} with ${first}, significantly ${comparison.direction} (${interval}).`
        : `${name}: no significant difference from ${first} in the ${what} (${interval} times as much).`;
    }
  }
}

/** A sentence for each method, comparing it with the first one. */
export function sentencesOf(metric: Metric, { cells }: Pick<Comparable, 'cells'>): string[] {
  const [baseline, ...others] = cells;
  if (!baseline) return [];
  return others.flatMap((other) => sentence(metric, baseline, other) ?? []);
}
