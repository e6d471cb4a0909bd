// What the report says of two methods beside each other.
import { describe, expect, it } from 'vitest';
import { sentencesOf } from '../../lib/lab/report/sentences.js';
import { type Metric, metrics } from '../../lib/lab/report/summary.js';
import { ratioOf } from '../../lib/statistics/samples.js';
import { cellOf, measurementOf, outOfTime } from './measurements.js';

describe('a ratio', () => {
  it('is none where a value has no logarithm, or where there are too few', () => {
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

  it('is not called sure where it may be less than 2 %, though there is one', () => {
    for (const factor of [1.025, 0.975]) {
      const scaled = ratioOf(Array(3).fill(factor), [1, 1, 1]);
      const nearest = factor > 1 ? scaled?.atLeast : scaled?.atMost;
      expect(Math.abs((nearest ?? 0) - 1)).toBeGreaterThan(0.005);
      expect(Math.abs((nearest ?? 0) - 1)).toBeLessThan(0.02);
      expect(said(factor)).toMatch(/no difference from method0 seen/);
    }
    expect(said(1.05)).toMatch(/more for sure/);
    expect(said(0.95)).toMatch(/less for sure/);
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

describe('migrations that the limit stopped', () => {
  const rounds = 3;

  /** Of every size that is compared: so many times as much, in so many rounds stopped. */
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
  const longer = 'without the limit the time would have been longer.';
  const greater = 'without the limit the difference would have been greater.';
  const incomparable = "filter: total migration time can't be compared with that of plain:";

  it.for([
    [
      'only the first one was, and the other takes less',
      [less, 3, 0],
      'filter: total migration time is at most 0.506 times that of plain, less for sure; ' +
        `plain did not end by itself within the limit in 3 of 3 rounds, and ${greater}`,
    ],
    [
      'the first one was at times, and the other takes less',
      [less, 1, 0],
      'filter: total migration time is at most 0.506 times that of plain, less for sure; ' +
        `plain did not end by itself within the limit in 1 of 3 rounds, and ${greater}`,
    ],
    [
      'only the first one was, and the other takes as much',
      [same, 3, 0],
      `${incomparable} plain did not end by itself within the limit in 3 of 3 rounds; ${longer}`,
    ],
    [
      'only the first one was, and the other takes more',
      [more, 2, 0],
      `${incomparable} plain did not end by itself within the limit in 2 of 3 rounds; ${longer}`,
    ],
    [
      'only the other was, and takes more',
      [more, 0, 2],
      'filter: total migration time is at least 1.98 times that of plain, more for sure; ' +
        `filter did not end by itself within the limit in 2 of 3 rounds, and ${greater}`,
    ],
    [
      'only the other was, and takes as much',
      [same, 0, 3],
      `${incomparable} filter did not end by itself within the limit in 3 of 3 rounds; ${longer}`,
    ],
    [
      'only the other was, and takes less all the same',
      [less, 0, 1],
      `${incomparable} filter did not end by itself within the limit in 1 of 3 rounds; ${longer}`,
    ],
    [
      'both were',
      [less, 3, 2],
      `${incomparable} filter did not end by itself within the limit in 2 of 3 rounds, plain in 3 of 3; ${longer}`,
    ],
  ] as const)('are not compared as if they had ended: %s', ([, [factor, first, other], whole]) => {
    expect(said(metrics.totalTime, factor, first, other)).toBe(whole);
  });

  it('have sent what is a bound as well', () => {
    expect(said(metrics.sent, less, 3, 0)).toMatch(
      /^filter: bytes sent is at most 0\.\d+ times that of plain, less for sure; plain did not end/,
    );
    expect(said(metrics.sent, same, 3, 0)).toMatch(
      / can't be compared .* 3 of 3 rounds; without the limit more would have been sent\.$/,
    );
  });

  it.for([
    ['downtime', /; downtime is then the time to send whatever was left\.$/],
    ['work', /; how much work is done then depends on the limit\.$/],
  ] as const)('leave nothing to compare in what the limit decides: %s', ([name, end]) => {
    for (const factor of [less, same, more]) {
      for (const [first, other] of [
        [1, 0],
        [0, 2],
        [3, 3],
      ] as const) {
        const sentence = said(metrics[name], factor, first, other);
        expect(sentence).toMatch(/^filter: .* can't be compared with that of plain: /);
        expect(sentence).toMatch(end);
      }
    }
  });

  it('are named in all combinations, and only a bound is claimed of them', () => {
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
              ...sentence.matchAll(
                /(\w+)(?: did not end by itself within the limit)? in (\d) of 3/g,
              ),
            ];
            expect(told.map(([, method, count]) => [method, Number(count)])).toEqual(named);
            if (first + other === 0) {
              expect(sentence).toMatch(/ for sure \(between|no difference from plain seen/);
              continue;
            }
            const claims = sentence.includes('for sure');
            const grows = metric === metrics.totalTime || metric === metrics.sent;
            const further = (factor === less && other === 0) || (factor === more && first === 0);
            expect(claims).toBe(grows && further);
            expect(sentence.includes("can't be compared")).toBe(!claims);
          }
        }
      }
    }
  });

  it('are no matter where there are too few rounds in any case', () => {
    const [plain, filter] = [cell('plain', 1, 3), cell('filter', 1, 0)];
    const short = { ...filter, runs: filter.runs.slice(0, 2) };
    expect(sentencesOf(metrics.totalTime, { cells: [plain, short] })).toEqual([
      'filter: too few rounds to compare its total migration time with that of plain; 3 are needed.',
    ]);
  });
});
