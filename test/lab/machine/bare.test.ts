// The bare guest in the lab: the same bytes in every round, or nearly so.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { measureWith } from '../../../lib/lab/experiment/measure.js';
import { runExperiment } from '../../../lib/lab/experiment/runner.js';
import { parseExperiment } from '../../../lib/lab/experiment/schema.js';
import { methodNames } from '../../../lib/lab/methods/all.js';
import { comparisonText } from '../../../lib/lab/report/comparison.js';
import { isMeasured } from '../../../lib/lab/results/run.js';
import { ResultStore } from '../../../lib/lab/results/store.js';
import { comparables, metrics, summarise, valuesOf } from '../../../lib/lab/results/summary.js';
import { needLabQemu } from './guests.js';

const timeout = 300_000;

let directory: string;
let store: ResultStore;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
  store = new ResultStore(directory);
});
afterEach(() => rmSync(directory, { recursive: true }));

it('moves the bare guest, has it check itself, and sends as much in every round', {
  timeout,
}, async (context) => {
  const { binary, patched } = needLabQemu(context);
  // Plain pre-copy of a guest that writes sends what the time allows, which is no two times the same.
  const [workload, method] = patched ? ['bare-rewrite', 'filter-ph128'] : ['bare-idle', 'plain'];
  const experiment = parseExperiment(
    `name: trial
rounds: 3
warmUps: 0
retries: 0
memoryMiB: [256]
settleSeconds: 0.5
convergeSeconds: 20
guest: { accelerator: tcg }
workloads: [{ name: ${workload}, options: { share: 0.3, words: 64 } }]
methods: [${method}]`,
    'trial.yaml',
    methodNames,
  );
  const measure = measureWith({ binary, accelerator: 'tcg', experiment });
  const { failed } = await runExperiment({ experiment, store, measure });
  expect(failed.map(({ id, failures }) => [id, failures])).toEqual([]);

  for (const { measurement } of store.runs().filter(isMeasured)) {
    const { memory, workload: work, commandLines } = measurement;
    expect(memory).toEqual({ pages: 65536, differentPages: 0 });
    expect(work.checks).toMatchObject([{ what: 'words', checked: 19660 * 1024, wrong: 0 }]);
    expect(commandLines['the bare guest']).toContain('pages=19660');
    const { reports, migrationEndedMs } = work;
    expect(reports.at(-1)?.heardMs).toBeGreaterThan(migrationEndedMs);
    if (patched) expect(reports.at(-1)?.operations).toBeGreaterThan(0);
  }
  const groups = comparables(summarise(store.runs()), [method]);
  for (const cell of groups.flatMap(({ cells }) => cells)) {
    expect(valuesOf(cell, metrics.sent)?.spread, cell.cell.method).toBeLessThan(0.05);
  }
  expect(comparisonText(groups)).toMatch(new RegExp(`medians of 3 rounds.*\n${method} `, 's'));
});
