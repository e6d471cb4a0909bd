// What a report says was found, from measurements whose outcome is known.
import { describe, expect, it } from 'vitest';
import { findingsOf } from '../../../lib/lab/report/findings.js';
import { cellOf, measurementOf, outOfTime } from '../measurements.js';

const scatter = [1, 1.01, 1.02];

function rounds(totalMs: number, sentBytes: number, stopped = false) {
  const made = scatter.map((by) => measurementOf(totalMs * by, sentBytes * by));
  return stopped ? made.map(outOfTime) : made;
}

function group(title: string, ...cells: Parameters<typeof cellOf>[]) {
  return { title, cells: cells.map((cell) => cellOf(...cell)) };
}

describe('what was found', () => {
  it('counts in how many workloads a method differs, either way, and says where most', () => {
    const { overall } = findingsOf([
      group('idle', ['plain', rounds(1000, 1e8)], ['filter', rounds(1000, 1e8)]),
      group('busy', ['plain', rounds(2000, 4e8)], ['filter', rounds(1000, 2e8)]),
      group('busier', ['plain', rounds(2000, 4e8)], ['filter', rounds(3000, 1e8)]),
    ]);
    expect(overall).toEqual([
      'filter, compared with plain: significantly less data sent in 2 of 3 workloads (most with busier: 75 % less); ' +
        'significantly less migration time in 1 of 3 workloads (with busy: 50 % less); ' +
        'significantly more migration time in 1 of 3 workloads (with busier: 50 % more).',
    ]);
  });

  it('gives a bound where the limit stopped the first method', () => {
    const { overall, byWorkload } = findingsOf([
      group('busy', ['plain', rounds(2000, 4e8, true)], ['filter', rounds(1000, 2e8)]),
    ]);
    expect(overall).toEqual([
      expect.stringMatching(
        /^filter, compared with plain: significantly less data sent with busy: at least 4\d % less; /,
      ),
    ]);
    expect(byWorkload).toEqual([
      {
        title: 'busy',
        sentences: [
          expect.stringMatching(
            /^filter: at least 4\d % less data sent and at least 4\d % less migration time; downtime and work of the guest can't be compared: the limit has decided them\.$/,
          ),
        ],
      },
    ]);
  });

  it('claims nothing from too few rounds', () => {
    const once = (totalMs: number) => [measurementOf(totalMs, 1e8)];
    const { overall, byWorkload } = findingsOf([
      group('idle', ['plain', once(5000)], ['filter', once(10)]),
    ]);
    expect(overall.join()).toMatch(
      /too few rounds to tell anything about the data sent \(3 are needed\)/,
    );
    expect(overall.join()).not.toMatch(/significantly| less/);
    expect(byWorkload[0]?.sentences).toEqual(['filter: too few rounds to tell (3 are needed).']);
  });

  it('is nothing where there is only one method', () => {
    const alone = group('idle', ['plain', rounds(1000, 1e8)]);
    expect(findingsOf([alone])).toEqual({ overall: [], byWorkload: [] });
  });
});
