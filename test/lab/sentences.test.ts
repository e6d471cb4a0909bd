// What the report says of two methods beside each other.
import { describe, expect, it } from 'vitest';
import { sentencesOf } from '../../lib/lab/report/sentences.js';
import { ratioOf } from '../../lib/lab/results/statistics.js';
import { metrics } from '../../lib/lab/results/summary.js';
import { cellOf, measurementOf } from './measurements.js';

describe('a ratio', () => {
  it('is none where a value has no logarithm, or where there are too few', () => {
    expect(ratioOf([2, 2, 2], [1, 1, 1])?.ratio).toBeCloseTo(2);
    expect(ratioOf([2, 2], [1, 1, 1])).toBeNull();
    expect(ratioOf([2, 0, 2], [1, 1, 1])).toBeNull();
    expect(ratioOf([2, 2, 2], [0, 0, 0])).toBeNull();
    expect(ratioOf([2, -1, 2], [1, 1, 1])).toBeNull();
  });
});

describe('values of 0', () => {
  function said(first: readonly number[], other: readonly number[]) {
    const cells = [first, other].map((values, at) => {
      const measurements = values.map((downtimeMs) => {
        const measurement = measurementOf(1000, 1e8);
        return { ...measurement, migration: { ...measurement.migration, downtimeMs } };
      });
      return cellOf(at === 0 ? 'plain' : 'filter', measurements);
    });
    return sentencesOf(metrics.downtime, { title: '', cells });
  }
  const beginning = "filter: downtime can't be told as a multiple of that of plain: it is 0 in";

  it.for([
    [[9, 9, 9], [0, 8, 9], '1 of 3 rounds of filter.'],
    [[0, 0, 9], [7, 8, 9], '2 of 3 rounds of plain.'],
    [[0, 0, 0], [0, 8, 9, 9], '1 of 4 rounds of filter, in 3 of 3 rounds of plain.'],
  ] as const)('are said instead of a ratio: %j, %j', ([first, other, where]) => {
    expect(said(first, other)).toEqual([`${beginning} ${where}`]);
  });

  it('need no mention where there are too few rounds in any case', () => {
    expect(said([0, 1], [1, 1, 1])).toEqual([
      'filter: too few rounds to compare its downtime with that of plain; 3 are needed.',
    ]);
  });
});
