import { describe, expect, it } from 'vitest';
import { parseExperiment } from '../../../lib/lab/catalogue/experiment-file.js';
import type { Run } from '../../../lib/lab/model/run.js';
import { stoppedBy } from '../../../lib/lab/model/stopped-by.js';
import { comparisonText, outcomeText } from '../../../lib/lab/report/comparison-text.js';
import { csvOf } from '../../../lib/lab/report/csv.js';
import { comparables, summarise } from '../../../lib/lab/report/summary.js';
import { operationsBy, workShare } from '../../../lib/lab/report/work.js';
import { measureRuns } from '../../../lib/lab/run/measure-runs.js';
import { timeLimit } from '../../../lib/lab/run/time-limit.js';
import type { ResultStore } from '../../../lib/lab/store/result-store.js';
import type { Policy } from '../../../lib/migration/decision.js';
import { adaptiveStop } from '../../../lib/policy/adaptive-stop.js';
import { chain } from '../../../lib/policy/limits.js';
import {
  catalogue,
  cellOf,
  decidedBy,
  experimentText,
  measurementOf,
  methods,
  outOfTime,
} from '../measurements.js';

describe('the work rate of a guest during its migration', () => {
  const report = (receivedMs: number, operations: number) => ({
    ...{ receivedMs, atMs: receivedMs, operations },
    ...{ p50Us: null, p99Us: null, maxUs: null },
  });

  it('is interpolated between two reports', () => {
    const reports = [report(100, 0), report(200, 50), report(400, 90)];
    expect([0, 100, 150, 200, 300, 400, 999].map((ms) => operationsBy(reports, ms))).toEqual([
      0, 0, 25, 50, 70, 90, 90,
    ]);
  });

  it('is a share of the rate before', () => {
    const measurement = measurementOf(1000, 1e8);
    const of = (reports: ReturnType<typeof report>[]) =>
      workShare({ ...measurement, workload: { ...measurement.workload, reports } });
    // The migration lasts from 1000 to 2000.
    expect(of([report(0, 0), report(1000, 1000), report(2000, 1250)])).toBeCloseTo(0.25);
    expect(of([report(0, 0), report(1000, 0), report(2000, 0)])).toBeUndefined();
    expect(of([report(1500, 0), report(2000, 10)])).toBeUndefined();
  });
});

describe('results as text', () => {
  it('give the outcome of a run', () => {
    expect(outcomeText(measurementOf(1500, 2e8))).toBe(
      '1500 ms, downtime 12 ms, 200.0 MB sent, 900 pages unchanged, memory is equal',
    );
  });

  it('say whether a run was stopped by the limit or by the policy of its method', () => {
    const measurement = measurementOf(1500, 2e8);
    const said = (policy: Policy) => outcomeText(decidedBy(policy, measurement));
    const limit = timeLimit(8000);
    expect(said(limit)).toMatch(/^1500 ms \(stopped by the limit\), /);
    expect(said(chain(adaptiveStop(), limit))).toMatch(/^1500 ms \(stopped by the limit\), /);
    // A quarter of the first pass is sent again.
    expect(said(chain(adaptiveStop({ limitPercent: 20 }), limit))).toMatch(
      /^1500 ms \(stopped by the policy\), /,
    );
    expect(said(adaptiveStop())).toMatch(/^1500 ms, /);
  });

  it('do not mistake the policy of a method for the limit, whatever its numbers are called', () => {
    const numbers = { elapsedMs: 8000, limitMs: 5000, dirtyPages: 3 };
    const own: Policy = () => ({ choice: 'stop-now', policy: 'own', reason: 'Enough.', numbers });
    expect(stoppedBy(decidedBy(own, measurementOf(1500, 2e8)))).toBe('policy');
  });

  it('count migrations that were stopped at the limit, but not those that a policy stopped', () => {
    const measurement = measurementOf(1500, 2e8);
    const byPolicy = decidedBy(adaptiveStop({ limitPercent: 20 }), measurement);
    const cells = [
      cellOf('plain', [outOfTime(measurement), measurement, outOfTime(measurement)]),
      cellOf('adaptive', [byPolicy, byPolicy, byPolicy]),
    ];
    const text = comparisonText([{ title: 'idle', cells }]);
    expect(text).toMatch(/\nplain .* 2 of 3\nadaptive .* -\n/);
    const runs = cells.flatMap((cell) => cell.runs);
    const [header, ...lines] = csvOf(runs).trimEnd().split('\r\n');
    const at = header?.split(',').indexOf('stopped_by') ?? -1;
    expect(lines.map((line) => line.split(',')[at])).toEqual([
      'limit',
      '',
      'limit',
      'policy',
      'policy',
      'policy',
    ]);
  });

  it('compare every method with the first', async () => {
    const runs: Run[] = [];
    const store = {
      prepare() {},
      runs: () => runs,
      directory: '.',
      write: (run: Run) => runs.push(run),
    };
    await measureRuns({
      experiment: parseExperiment(
        experimentText.replace('[plain,', '[plain, xbzrle,'),
        'a',
        catalogue,
      ),
      store: store as unknown as ResultStore,
      measure: ({ cell }) =>
        Promise.resolve(measurementOf(cell.method === 'filter' ? 500 : 2000, 1e8)),
    });
    const text = comparisonText(comparables(summarise(runs), methods));
    expect(text).toMatch(/^idle, 256 MiB: medians of 2 rounds\nmethod +total s +x first/);
    expect(text).toMatch(/\nfilter +0\.500 +0\.250 ~ +12\.0 +100 +1\.00 ~ +60 % +\d+ % +-\n/);
    expect(text).toMatch(/\nplain +2\.00 +1\.00 /);
  });

  it('mark what is not significant, and nothing else', () => {
    const rounds = (totalMs: number, sentBytes: number) =>
      [1, 1.01, 1.02].map((scatter) => measurementOf(totalMs * scatter, sentBytes * scatter));
    const cells = [
      cellOf('plain', rounds(2000, 1e8)),
      cellOf('filter', rounds(500, 1e8)),
      cellOf('limited', rounds(500, 2e7).map(outOfTime)),
    ];
    const [, , plain, filter, limited] = comparisonText([{ title: 'idle', cells }]).split('\n');
    expect(plain).not.toContain('~');
    expect(filter).toMatch(/ 0\.250 {2,}12\.0 +101 +1\.00 ~ /);
    expect(limited).toMatch(/ 0\.250 ~ .* 0\.200 ~ /);
  });
});
