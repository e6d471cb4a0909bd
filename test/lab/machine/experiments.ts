// Small experiments with real VMs, and the folders of their results.
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, type TestContext } from 'vitest';
import { builtIn } from '../../../lib/lab/catalogue/built-in.js';
import { parseExperiment } from '../../../lib/lab/catalogue/experiment-file.js';
import type { Experiment } from '../../../lib/lab/model/experiment.js';
import { isMeasured, type MeasuredRun } from '../../../lib/lab/model/run.js';
import { measureWith } from '../../../lib/lab/run/measure-run.js';
import { measureRuns } from '../../../lib/lab/run/measure-runs.js';
import { ResultStore } from '../../../lib/lab/store/result-store.js';

/** Gone when the test ends. */
export function newStore(context: TestContext): ResultStore {
  const directory = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
  context.onTestFinished(() => rmSync(directory, { recursive: true }));
  return new ResultStore(directory);
}

/** The text of a short experiment; the lines say what is measured. */
export function textOf(lines: string, rounds = 1): string {
  return `name: trial
rounds: ${rounds}
warmUps: 0
retries: 0
memoryMiB: [256]
settleSeconds: 0.5
guest: { accelerator: tcg }
${lines}`;
}

export function experimentOf(lines: string, rounds?: number): Experiment {
  return parseExperiment(textOf(lines, rounds), 'trial.yaml');
}

/** Measures an experiment of which no run fails. */
export async function measureExperiment(
  experiment: Experiment,
  binary: string,
  store: ResultStore,
): Promise<MeasuredRun[]> {
  const measure = measureWith({ binary, accelerator: 'tcg', experiment, catalogue: builtIn });
  const { failed } = await measureRuns({ experiment, store, measure });
  expect(failed.map(({ id, failures }) => [id, failures])).toEqual([]);
  const runs = store.runs().filter(isMeasured);
  for (const { measurement } of runs) {
    const received = measurement.workload.reports.map(({ receivedMs }) => receivedMs);
    expect(received).toEqual(received.toSorted((a, b) => a - b));
  }
  return runs;
}

/** Directories and namespaces of a process, in the places where guests have their memory. */
export function leftBehind(owner: number | undefined = process.pid): string[] {
  const mine = new RegExp(`^fakedirty-${owner}-`);
  return ['/dev/shm', tmpdir(), '/run/netns']
    .filter((place) => existsSync(place))
    .flatMap((place) =>
      readdirSync(place)
        .filter((name) => mine.test(name))
        .map((name) => join(place, name)),
    );
}
