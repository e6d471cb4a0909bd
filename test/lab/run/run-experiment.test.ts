// An experiment from its file to its report, as programs call it. What it does with real VMs is tested with machines.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  parseExperiment,
  readResults,
  runExperiment,
  writeReport,
} from '../../../lib/lab/index.js';
import { measureRuns } from '../../../lib/lab/run/measure-runs.js';
import { ResultStore } from '../../../lib/lab/store/result-store.js';
import { measurementOf } from '../measurements.js';

const text =
  'name: trial\nworkloads: [idle]\nmemoryMiB: [256]\nmethods: [plain, xbzrle]\nrounds: 1\n';
const qemu = '/bin/false';
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('runExperiment', () => {
  it('keeps the experiment beside its results, from a file and from an object', async () => {
    const file = join(directory, 'trial.yaml');
    writeFileSync(file, text);
    const experiment = parseExperiment(text, file);
    for (const given of [file, experiment]) {
      const out = join(directory, typeof given);
      const run = runExperiment({ experiment: given, directory: out, qemu });
      await expect(run).rejects.toMatchObject({ code: 'ERR_NO_ACCELERATOR' });
      const copy = join(out, 'experiment.yaml');
      expect(parseExperiment(readFileSync(copy, 'utf8'), copy)).toEqual(experiment);
    }
  });

  it('creates nothing if the file is not an experiment', async () => {
    const file = join(directory, 'trial.yaml');
    writeFileSync(file, text.replace('plain', 'magic'));
    const out = join(directory, 'results');
    const run = runExperiment({ experiment: file, directory: out, qemu });
    await expect(run).rejects.toMatchObject({ code: 'ERR_EXPERIMENT' });
    expect(existsSync(out)).toBe(false);
  });

  it('ends with its signal before the first run', async () => {
    const experiment = parseExperiment(`${text}guest: { accelerator: tcg }\n`, 'trial.yaml');
    const signal = AbortSignal.abort();
    const run = runExperiment({ experiment, directory, qemu, signal, report: false });
    await expect(run).rejects.toMatchObject({ code: 'ERR_INTERRUPTED' });
  });
});

describe('a folder of results', () => {
  it('is read and reported as a whole', async () => {
    const experiment = parseExperiment(text, 'trial.yaml');
    const measure = () => Promise.resolve(measurementOf(1000, 1e8));
    await measureRuns({ experiment, store: new ResultStore(directory), measure });
    expect(readResults(directory)).toMatchObject({ experiment: undefined, others: 0 });
    writeFileSync(join(directory, 'experiment.yaml'), text.replace(', xbzrle', ''));
    const { runs, others, groups } = readResults(directory);
    expect([runs.length, others]).toEqual([2, 2]);
    expect(groups.map(({ cells }) => cells.map(({ cell }) => cell.method))).toEqual([['plain']]);
    const { page } = await writeReport(directory);
    expect(readFileSync(page, 'utf8')).toContain('<title>Experiment: trial</title>');
  });
});
