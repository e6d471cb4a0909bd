// The bare guest in the lab: nearly the same bytes in every round.
import { expect, it } from 'vitest';
import { comparisonText } from '../../../lib/lab/report/comparison-text.js';
import { comparables, metrics, summarise, valuesOf } from '../../../lib/lab/report/summary.js';
import { experimentOf, measureExperiment, newStore } from './experiments.js';
import { needLabQemu } from './guests.js';

it('migrates the bare guest, which checks itself, and sends the same bytes in every round', async (context) => {
  const { binary, patched } = needLabQemu(context);
  // Plain pre-copy of a guest that writes sends whatever the time allows, which differs each time.
  const [workload, method] = patched ? ['bare-rewrite', 'filter-ph128'] : ['bare-idle', 'plain'];
  const rounds = 3;
  const experiment = experimentOf(
    `convergeSeconds: 20
workloads: [{ name: ${workload}, options: { share: 0.3, words: 64 } }]
methods: [${method}]`,
    rounds,
  );
  const runs = await measureExperiment(experiment, binary, newStore(context));

  expect(runs).toHaveLength(rounds);
  for (const { measurement } of runs) {
    const { memory, workload: work, commandLines } = measurement;
    expect(memory).toEqual({ pages: 65536, differentPages: 0 });
    expect(work.checks).toMatchObject([{ what: 'words', checked: 19660 * 1024, wrong: 0 }]);
    expect(measurement.kernel).toBe('none: the bare guest, in ring 3');
    expect(commandLines['the bare guest']).toContain('pages=19660');
    const { reports, migrationBeganMs: began, migrationEndedMs: ended } = work;
    const during = reports.filter(({ receivedMs }) => receivedMs > began && receivedMs < ended);
    expect(during.length).toBeGreaterThan((ended - began) / 1000);
    expect(reports.at(-1)?.receivedMs).toBeGreaterThan(ended);
    if (patched) expect(reports.at(-1)?.operations).toBeGreaterThan(0);
  }
  const groups = comparables(summarise(runs), [method]);
  for (const cell of groups.flatMap(({ cells }) => cells)) {
    expect(valuesOf(cell, metrics.sent)?.spread, cell.cell.method).toBeLessThan(0.05);
  }
  expect(comparisonText(groups)).toMatch(new RegExp(`medians of 3 rounds.*\n${method} `, 's'));
});
