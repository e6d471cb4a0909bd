import { describe, expect, it } from 'vitest';
import { comparisonReport } from '../../bench/report/comparison-report.js';
import { compareRows, compareRuns } from '../../bench/results/comparison.js';
import { noisyRounds, row, run, sha1Row } from './runs.js';

/** How many of so many comparisons say it. */
function share(change: string, factor: number, noise: number, rounds: number): number {
  const times = 400;
  let said = 0;
  for (let seed = 0; seed < times; seed += 1) {
    const before = row({ nsPerPage: noisyRounds(500, noise, rounds, 2 * seed + 1) });
    const now = row({ nsPerPage: noisyRounds(500 * factor, noise, rounds, 2 * seed + 2) });
    if (compareRows(before, now).change === change) said += 1;
  }
  return said / times;
}

describe('a verdict on two rows', () => {
  it.each([0.002, 0.02, 0.2])('sees nothing where only noise of %d is', (noise) => {
    expect(share('no difference seen', 1, noise, 5)).toBeGreaterThanOrEqual(0.97);
  });

  it('sees a tenth, either way, through noise of a hundredth', () => {
    expect(share('slower', 1.1, 0.01, 5)).toBeGreaterThan(0.98);
    expect(share('faster', 1 / 1.1, 0.01, 5)).toBeGreaterThan(0.98);
  });

  it('does not claim a tenth through noise of a fifth', () => {
    expect(share('slower', 1.1, 0.2, 5)).toBeLessThan(0.15);
  });

  it('says nothing of differences that nobody should act on', () => {
    expect(share('no difference seen', 1.01, 0.001, 9)).toBe(1);
  });

  it('is not made certain by rounds that happen to be equal, nor by one outlier', () => {
    const before = row({ nsPerPage: [500, 500, 500] });
    const outlier = row({ nsPerPage: [500, 500, 5000] });
    expect(compareRows(before, outlier).change).toBe('no difference seen');
    expect(compareRows(before, row({ nsPerPage: [600, 600, 600] })).change).toBe('slower');
  });

  it('needs three rounds on both sides', () => {
    const two = row({ nsPerPage: [1, 1] });
    expect(compareRows(row(), two)).toMatchObject({ change: 'too few rounds' });
    expect(compareRows(two, row())).toMatchObject({ change: 'too few rounds' });
  });

  it('puts the ratio inside its interval', () => {
    const { ratio, atLeast, atMost } = compareRows(row(), row({ nsPerPage: [200, 201, 203] }));
    expect(ratio).toBeCloseTo(2.01, 1);
    expect(atLeast).toBeLessThan(ratio);
    expect(atMost).toBeGreaterThan(ratio);
  });
});

describe('two runs', () => {
  it('are matched by what was measured, and told apart from a changed machine', () => {
    const fast = (rows: ReturnType<typeof row>[]) =>
      rows.map((each) => ({ ...each, nsPerPage: each.nsPerPage.map((ns) => ns / 2) }));
    const before = run({ rows: [row(), sha1Row, row({ contents: 'zero' })] });
    const now = run({ rows: [...fast([sha1Row, row()]), row({ pageSizeBytes: 65536 })] });
    const comparison = compareRuns(before, now);
    expect(comparison.rows.map(({ change }) => change)).toEqual(['faster', 'faster']);
    expect(comparison).toMatchObject({ onlyBefore: 1, onlyNow: 1 });
    expect(comparison.othersRatio).toBeCloseTo(2);
    const report = comparisonReport(comparison);
    expect(report).toMatch(/ph128 .* faster/);
    expect(report).toMatch(/other packages run at 2\.00 times/);
  });
});
