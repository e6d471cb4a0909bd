// How far an experiment is said to be: never backwards.
import { describe, expect, it } from 'vitest';
import { LabProgress } from '../../lib/cli/lab-progress.js';

describe('the progress of an experiment', () => {
  it('has a percentage and, once a run was measured, the time left', () => {
    const progress = new LabProgress();
    const total = 12;
    expect(progress.text({ done: 0, total, remainingMs: undefined })).toBe('1/12, 0 %');
    expect(progress.text({ done: 2, total, remainingMs: 250_000 })).toBe(
      '3/12, 16 %, 4 min 10 s left',
    );
    expect(progress.text({ done: 11, total, remainingMs: 20_000 })).toBe('12/12, 91 %, 20 s left');
  });

  it('begins where an earlier start ended', () => {
    const progress = new LabProgress();
    expect(progress.text({ done: 6, total: 12, remainingMs: undefined })).toBe('7/12, 50 %');
  });

  it('shows no time left that is longer than the one shown last', () => {
    const progress = new LabProgress();
    const left = [60_000, 90_000, 70_000, 50_000].map((remainingMs, done) =>
      progress.text({ done, total: 4, remainingMs }),
    );
    expect(left).toEqual([
      '1/4, 0 %, 1 min 0 s left',
      '2/4, 25 %',
      '3/4, 50 %',
      '4/4, 75 %, 50 s left',
    ]);
  });
});
