// What the report claims when it compares two methods.
import { describe, expect, it } from 'vitest';
import { sentencesOf } from '../../../lib/lab/report/sentences.js';
import { type Metric, metrics } from '../../../lib/lab/report/summary.js';
import { ratioOf } from '../../../lib/statistics/samples.js';
import { cellOf, measurementOf, outOfTime } from '../measurements.js';

describe('a ratio of two samples', () => {
  it('is null if a value has no logarithm, or if there are too few', () => {
    expect(ratioOf([2, 2, 2], [1, 1, 1])?.ratio).toBeCloseTo(2);
    expect(ratioOf([2, 2], [1, 1, 1])).toBeNull();
    expect(ratioOf([2, 0, 2], [1, 1, 1])).toBeNull();
    expect(ratioOf([2, 2, 2], [0, 0, 0])).toBeNull();
    expect(ratioOf([2, -1, 2], [1, 1, 1])).toBeNull();
  });
});

describe('a difference', () => {
  const said = (factor: number) => {
    const cells = [1, factor].map((times, at) =>
      cellOf(`method${at}`, Array(3).fill(measurementOf(1000 * times, 1e8))),
    );
    return sentencesOf(metrics.totalTime, { cells }).join();
  };

  it('is not called significant if it may be less than 2 %', () => {
    for (const factor of [1.025, 0.975]) {
      const scaled = ratioOf(Array(3).fill(factor), [1, 1, 1]);
      const nearest = factor > 1 ? scaled?.atLeast : scaled?.atMost;
      expect(Math.abs((nearest ?? 0) - 1)).toBeGreaterThan(0.005);
      expect(Math.abs((nearest ?? 0) - 1)).toBeLessThan(0.02);
      expect(said(factor)).toMatch(/no significant difference from method0/);
    }
    expect(said(1.05)).toMatch(/significantly more/);
    expect(said(0.95)).toMatch(/significantly less/);
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
    return sentencesOf(metrics.downtime, { cells });
  }
  const beginning =
    "filter: the downtime can't be given as a multiple of that with plain: it is 0 in";

  it.for([
    [[9, 9, 9], [0, 8, 9], '1 of 3 rounds of filter.'],
    [[0, 0, 9], [7, 8, 9], '2 of 3 rounds of plain.'],
    [[0, 0, 0], [0, 8, 9, 9], '1 of 4 rounds of filter, in 3 of 3 rounds of plain.'],
  ] as const)('are reported instead of a ratio: %j, %j', ([first, other, where]) => {
    expect(said(first, other)).toEqual([`${beginning} ${where}`]);
  });

  it('are not mentioned if there are too few rounds anyway', () => {
    expect(said([0, 1], [1, 1, 1])).toEqual([
      'filter: too few rounds to compare the downtime with plain; 3 are needed.',
    ]);
  });
});

describe('migrations that were stopped at the limit', () => {
  const rounds = 3;

  /** Every metric multiplied by `factor`; some rounds were stopped at the limit. */
  function cell(method: string, factor: number, stopped: number) {
    const measurements = Array.from({ length: rounds }, (_, at) => {
      const { migration, ...rest } = measurementOf(8000 * factor, 1e8 * factor);
      const measurement = { ...rest, migration: { ...migration, downtimeMs: 100 * factor } };
      return at < stopped ? outOfTime(measurement) : measurement;
    });
    return cellOf(method, measurements);
  }

  /** `factor` times what plain has. */
  function said(metric: Metric, factor: number, plainStopped: number, filterStopped: number) {
    const cells = [cell('plain', 1, plainStopped), cell('filter', factor, filterStopped)];
    const sentences = sentencesOf(metric, { cells });
    expect(sentences).toHaveLength(1);
    return sentences[0] ?? '';
  }

  const [less, same, more] = [0.5, 1, 2];
  const longer = 'without the limit it would have taken longer.';
  const greater = 'without the limit the difference would have been larger.';
  const incomparable = "filter: the total migration time can't be compared with plain:";

  it.for([
    [
      'only the first was stopped, and the other takes less',
      [less, 3, 0],
      'filter: at most 0.506 times the total migration time with plain, significantly less (99 % CI); ' +
        `plain did not converge within the limit in 3 of 3 rounds, and ${greater}`,
    ],
    [
      'the first was stopped in some rounds, and the other takes less',
      [less, 1, 0],
      'filter: at most 0.506 times the total migration time with plain, significantly less (99 % CI); ' +
        `plain did not converge within the limit in 1 of 3 rounds, and ${greater}`,
    ],
    [
      'only the first was stopped, and the other takes as long',
      [same, 3, 0],
      `${incomparable} plain did not converge within the limit in 3 of 3 rounds; ${longer}`,
    ],
    [
      'only the first was stopped, and the other takes longer',
      [more, 2, 0],
      `${incomparable} plain did not converge within the limit in 2 of 3 rounds; ${longer}`,
    ],
    [
      'only the other was stopped, and takes longer',
      [more, 0, 2],
      'filter: at least 1.98 times the total migration time with plain, significantly more (99 % CI); ' +
        `filter did not converge within the limit in 2 of 3 rounds, and ${greater}`,
    ],
    [
      'only the other was stopped, and takes as long',
      [same, 0, 3],
      `${incomparable} filter did not converge within the limit in 3 of 3 rounds; ${longer}`,
    ],
    [
      'only the other was stopped, and still takes less',
      [less, 0, 1],
      `${incomparable} filter did not converge within the limit in 1 of 3 rounds; ${longer}`,
    ],
    [
      'both were stopped',
      [less, 3, 2],
      `${incomparable} filter did not converge within the limit in 2 of 3 rounds, plain in 3 of 3; ${longer}`,
    ],
  ] as const)(
    'are not compared as if they had converged: %s',
    ([, [factor, first, other], whole]) => {
      expect(said(metrics.totalTime, factor, first, other)).toBe(whole);
    },
  );

  it('also give bounds for the bytes sent', () => {
    expect(said(metrics.sent, less, 3, 0)).toMatch(
      /^filter: at most 0\.\d+ times the bytes sent with plain, significantly less \(99 % CI\); plain did not/,
    );
    expect(said(metrics.sent, same, 3, 0)).toMatch(
      / can't be compared .* 3 of 3 rounds; without the limit more would have been sent\.$/,
    );
  });

  it.for([
    ['downtime', /; downtime is then the time to send whatever was left\.$/],
    ['work', /; the work rate then depends on the limit\.$/],
  ] as const)('can not be compared in what the limit decides: %s', ([name, end]) => {
    for (const factor of [less, same, more]) {
      for (const [first, other] of [
        [1, 0],
        [0, 2],
        [3, 3],
      ] as const) {
        const sentence = said(metrics[name], factor, first, other);
        expect(sentence).toMatch(/^filter: the .* can't be compared with plain: /);
        expect(sentence).toMatch(end);
      }
    }
  });

  it('are named in all combinations, and nothing but bounds is claimed', () => {
    const counts = [0, 1, 2, 3];
    for (const metric of Object.values(metrics)) {
      for (const factor of [less, same, more]) {
        for (const first of counts) {
          for (const other of counts) {
            const sentence = said(metric, factor, first, other);
            const named = [
              ...(other > 0 ? [['filter', other]] : []),
              ...(first > 0 ? [['plain', first]] : []),
            ];
            const told = [
              ...sentence.matchAll(/(\w+)(?: did not converge within the limit)? in (\d) of 3/g),
            ];
            expect(told.map(([, method, count]) => [method, Number(count)])).toEqual(named);
            if (first + other === 0) {
              expect(sentence).toMatch(
                / significantly \w+ \(99 % CI \d|no significant difference from plain/,
              );
              continue;
            }
            const claims = sentence.includes('significantly');
            const grows = metric === metrics.totalTime || metric === metrics.sent;
            const further = (factor === less && other === 0) || (factor === more && first === 0);
            expect(claims).toBe(grows && further);
            expect(sentence.includes("can't be compared")).toBe(!claims);
          }
        }
      }
    }
  });

  it('are not mentioned if there are too few rounds anyway', () => {
    const [plain, filter] = [cell('plain', 1, 3), cell('filter', 1, 0)];
    const short = { ...filter, runs: filter.runs.slice(0, 2) };
    expect(sentencesOf(metrics.totalTime, { cells: [plain, short] })).toEqual([
      'filter: too few rounds to compare the total migration time with plain; 3 are needed.',
    ]);
  });
});
