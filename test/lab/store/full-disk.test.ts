// Results when the disk is full.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, type TestContext } from 'vitest';
import { exitCodes } from '../../../lib/cli/exit-codes.js';
import { parseExperiment } from '../../../lib/lab/catalogue/experiment-file.js';
import { plannedRuns } from '../../../lib/lab/plan/planned-runs.js';
import { writeReport } from '../../../lib/lab/report/write-report.js';
import { measureRuns } from '../../../lib/lab/run/measure-runs.js';
import { ResultStore } from '../../../lib/lab/store/result-store.js';
import { packageRoot } from '../../../lib/system/package-root.js';
import { smallFileSystem } from '../../harness/small-file-system.js';
import { catalogue, experimentText, measurementOf } from '../measurements.js';

const experiment = parseExperiment(experimentText, 'trial.yaml', catalogue);
const total = plannedRuns(experiment).length;
/** A folder for results in a file system of that size, gone when the test ends. */
function smallStore(context: TestContext, kibibytes: number): ResultStore {
  return new ResultStore(smallFileSystem(context, kibibytes));
}

/** Takes all the room that is left; the function returned gives it back. */
function fill({ directory }: ResultStore): () => void {
  const ballast = join(directory, 'ballast');
  expect(() => writeFileSync(ballast, Buffer.alloc(64 << 20))).toThrow(/ENOSPC/);
  return () => rmSync(ballast);
}

function expectNoParts({ directory }: ResultStore): void {
  const names = readdirSync(directory, { recursive: true }).map(String);
  expect(names.filter((name) => name.endsWith('.part'))).toEqual([]);
}

it('reports that a run can not be written, keeps earlier runs, and resumes when there is room', async (context) => {
  const store = smallStore(context, 512);
  let makeRoom = () => {};
  let runs = 0;
  const measureExperiment = () =>
    measureRuns({
      experiment,
      store,
      measure: () => {
        runs += 1;
        if (runs === 3) makeRoom = fill(store);
        return Promise.resolve(measurementOf(1000, 1e6));
      },
    });
  await expect(measureExperiment()).rejects.toThrow(
    new RegExp(
      `can't be written to ${store.directory} .*no space left.*the same command continues`,
    ),
  );
  expect(store.runs()).toHaveLength(2);
  expectNoParts(store);
  makeRoom();
  expect(await measureExperiment()).toEqual({ measured: total - 2, resumed: 2, failed: [] });
});

it('reports that a report can not be written, and keeps the earlier one', async (context) => {
  const store = smallStore(context, 16 << 10);
  const measure = () => Promise.resolve(measurementOf(1000, 1e6));
  await measureRuns({ experiment, store, measure });
  const { page } = writeReport({ store, title: 'Before' });
  const files = () => readdirSync(store.directory, { recursive: true }).map(String).sort();
  const [before, html] = [files(), readFileSync(page, 'utf8')];
  const makeRoom = fill(store);
  expect(() => writeReport({ store, title: 'After' })).toThrow(
    new RegExp(`report can't be written to ${store.directory} .*no space left.*lab report`),
  );
  makeRoom();
  expect(files()).toEqual(before);
  expect(readFileSync(page, 'utf8')).toBe(html);
  expect(readFileSync(writeReport({ store, title: 'After' }).page, 'utf8')).toContain('After');
});

it('reports a full disk before anything is measured', (context) => {
  const store = smallStore(context, 64);
  const file = join(store.directory, 'trial.yaml');
  writeFileSync(file, experimentText.replace(/methods: .*/, 'methods: [plain]'));
  fill(store);
  const main = join(packageRoot, 'dist', 'cli', 'main.js');
  const out = join(store.directory, 'results');
  const args = [main, 'lab', 'run', file, '--out', out, '--qemu', '/bin/false'];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect(status).toBe(exitCodes.failure);
  expect(stderr).toMatch(/experiment.yaml can't be written .*no space left.*Make room/);
});
