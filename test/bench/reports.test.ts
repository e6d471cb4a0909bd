import { describe, expect, it } from 'vitest';
import { goalReport, isReached, missedGoals } from '../../bench/goals/report.js';
import { csvOf } from '../../bench/report/csv.js';
import { tablesOf } from '../../bench/report/table.js';
import { row, run, sha1Row } from './runs.js';

describe('the table', () => {
  const table = tablesOf(run());
  const line = (start: string) =>
    table
      .split('\n')
      .find((each) => each.startsWith(start))
      ?.split(/ {2,}/);

  it('says what follows from the median of the rounds', () => {
    // 405 ns for 4096 bytes; 4,194,304 pages in 16 GiB.
    expect(line('ph128')).toEqual([
      'ph128',
      'fakedirty',
      'batch',
      '2,469,136',
      '10.1',
      '405',
      '2.5 %',
      '100 %',
      '10.0',
      '1.70 s',
    ]);
    expect(line('sha1')).toEqual([
      'sha1',
      'node:crypto',
      'page',
      '246,914',
      '1.01',
      '4,050',
      '2.5 %',
      '10 %',
      '1.00',
      '17.0 s',
    ]);
  });

  it('has the fastest first, one table for each kind of pages, machine and settings on top', () => {
    expect(table.indexOf('ph128')).toBeLessThan(table.indexOf('sha1'));
    const two = tablesOf(run({ rows: [row(), row({ contents: 'zero' })] }));
    expect(two.match(/^Pages of 4096 bytes, /gm)).toHaveLength(2);
    expect(two).toMatch(
      /^Imaginary Processor, 2 processors, avx2; Node 20\.0\.0, fakedirty 0\.1\.0\n5 rounds/,
    );
  });

  it('has a dash where SHA-1 was not measured on the same pages', () => {
    const other = { ...sha1Row, contents: 'zero' as const };
    expect(tablesOf(run({ rows: [row(), other] }))).toMatch(/^ph128 .* - +1\.70 s$/m);
  });
});

describe('the CSV', () => {
  it('has a header, a line a row, and as many fields in each', () => {
    const lines = csvOf(run()).split('\r\n');
    expect(lines).toHaveLength(4);
    expect(lines.at(-1)).toBe('');
    const fields = lines.slice(0, 3).map((line) => line.split(','));
    expect(new Set(fields.map((line) => line.length)).size).toBe(1);
    const [header, ph128] = fields;
    const value = (name: string) => ph128?.[header?.indexOf(name) ?? -1];
    expect(value('algorithm')).toBe('ph128');
    expect(value('ns_per_page')).toBe('405');
    expect(value('times_sha1_page_by_page')).toBe('10');
    expect(value('rounds')).toBe('5');
  });

  it('leaves empty what is not known', () => {
    expect(csvOf(run({ rows: [row()] }))).toMatch(/,1,,1\.69869\r\n$/);
  });
});

describe('goals', () => {
  const goal = { name: 'a / b', kind: 'ratio' as const, bound: 0.97 };

  it('are reached or missed by the median of the rounds', () => {
    expect(isReached({ ...goal, found: [0.5, 0.98, 0.99] })).toBe(true);
    expect(isReached({ ...goal, found: [0.96, 0.96, 2] })).toBe(false);
    expect(isReached({ ...goal, kind: 'ns', bound: 1000, found: [999] })).toBe(true);
    expect(isReached({ ...goal, kind: 'ns', bound: 1000, found: [1000] })).toBe(false);
    expect(isReached({ ...goal, bound: null, found: [0] })).toBeNull();
  });

  it('say when the rounds do not agree, and count only what is asked for', () => {
    const goals = [
      { ...goal, found: [0.96, 0.98, 0.99] },
      { ...goal, found: [0.9, 0.9, 0.9] },
      { ...goal, bound: null, found: [0.1] },
    ];
    const report = goalReport(goals);
    expect(report).toMatch(/0\.960 +0\.990 +reached, but not in every round/);
    expect(report).toMatch(/0\.900 +NOT reached$/m);
    expect(missedGoals(goals)).toEqual([goals[1]]);
  });
});
