// Measuring the runs of an experiment: order, interruptions, failures. Nothing is migrated.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseExperiment } from '../../../lib/lab/catalogue/experiment-file.js';
import { plannedRuns } from '../../../lib/lab/plan/planned-runs.js';
import { csvOf } from '../../../lib/lab/report/csv.js';
import { AttemptError, InterruptedError } from '../../../lib/lab/run/errors.js';
import {
  type DisturbedEvent,
  type MeasureRun,
  measureRuns,
  type RunEvent,
} from '../../../lib/lab/run/measure-runs.js';
import { ResultStore } from '../../../lib/lab/store/result-store.js';
import { catalogue, experimentText, measurementOf } from '../measurements.js';

const experiment = parseExperiment(experimentText, 'trial.yaml', catalogue);

describe('measuring the runs of an experiment', () => {
  let directory: string;
  let store: ResultStore;
  let events: RunEvent[];
  let warnings: string[];
  let loadAverage: number;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
    store = new ResultStore(directory);
    events = [];
    warnings = [];
    loadAverage = 0;
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const total = plannedRuns(experiment).length;
  const works: MeasureRun = () => Promise.resolve(measurementOf(1000, 1e6));

  function measureAll(measure: MeasureRun, signal?: AbortSignal, what = experiment) {
    const onEvent = (event: RunEvent | DisturbedEvent) => {
      if (event.type === 'disturbed') warnings.push(event.warning);
      else events.push(event);
    };
    const load = () => ({ loadAverage, processors: 2, pressurePercent: undefined });
    return measureRuns({ experiment: what, store, measure, onEvent, load, signal });
  }

  it('keeps each run in a file, and reports progress', async () => {
    expect(await measureAll(works)).toEqual({ measured: total, resumed: 0, failed: [] });
    expect(
      store
        .runs()
        .map(({ id }) => id)
        .sort(),
    ).toEqual(
      plannedRuns(experiment)
        .map(({ id }) => id)
        .sort(),
    );
    const done = events.filter(({ type }) => type === 'run-measured');
    expect(done.map((event) => event.done)).toEqual(
      Array.from({ length: total }, (_, at) => at + 1),
    );
    expect(events[0]?.remainingMs).toBeUndefined();
    expect(events.at(-1)?.remainingMs).toBe(0);
  });

  it('warns of a busy machine once, before the first run, and keeps the warning with each run', async () => {
    loadAverage = 3;
    await measureAll((run, signal) => {
      expect(warnings).toContainEqual(
        expect.stringMatching(/a load average of 3\.0 on 2 processors/),
      );
      return works(run, signal);
    });
    // Other labs on this machine, such as tests on another Node, are warned of as they come and go.
    const ofLoad = warnings.filter((warning) => warning.includes('load average'));
    expect(ofLoad).toHaveLength(1);
    for (const { disturbances } of store.runs()) {
      expect(disturbances).toEqual(expect.arrayContaining(ofLoad));
    }
    expect(csvOf(store.runs())).toContain('load average of 3.0');
  });

  it('keeps no warning with runs that nothing disturbed', async () => {
    await measureAll(works);
    // Other tests may run a lab.
    for (const { disturbances } of store.runs())
      expect(disturbances.join()).not.toContain('load average');
  });

  it('resumes after an interruption without measuring anything twice', async () => {
    const stop = new AbortController();
    let made = 0;
    const stopped = measureAll((_, signal) => {
      made += 1;
      if (made < 5) return works(_, signal);
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
        stop.abort();
      });
    }, stop.signal);
    await expect(stopped).rejects.toThrow(InterruptedError);
    expect(store.runs()).toHaveLength(4);
    // Left by a process that was killed while writing.
    writeFileSync(join(directory, 'x.run.json.999999999.part'), '{');
    expect(await measureAll(works)).toMatchObject({ measured: total - 4, resumed: 4 });
    expect(readdirSync(directory)).toHaveLength(total);
  });

  it('repeats a failed attempt, and keeps the reason', async () => {
    const [first] = plannedRuns(experiment);
    const consoles = { source: ['Kernel panic - not syncing'] };
    let attempts = 0;
    await measureAll((run, signal) => {
      if (run.id === first?.id) attempts += 1;
      return run.id === first?.id && attempts === 1
        ? Promise.reject(new AttemptError('QEMU fell over', consoles))
        : works(run, signal);
    });
    expect(attempts).toBe(2);
    const run = store.runs().find(({ id }) => id === first?.id);
    expect(run).toMatchObject({ failures: [{ message: 'QEMU fell over', consoles }] });
    expect(run?.measurement).not.toBeNull();
    expect(events.filter(({ type }) => type === 'attempt-failed')).toHaveLength(1);
  });

  it('continues after a run that always fails, and repeats that run at the next start', async () => {
    const [first] = plannedRuns(experiment);
    const end = await measureAll((run, signal) =>
      run.id === first?.id ? Promise.reject(new Error('never')) : works(run, signal),
    );
    expect(end).toMatchObject({ measured: total - 1, failed: [{ id: first?.id }] });
    expect(end.failed[0]?.failures).toHaveLength(2);
    expect(events.filter(({ type }) => type === 'run-failed')).toHaveLength(1);
    expect(await measureAll(works)).toEqual({ measured: 1, resumed: total - 1, failed: [] });
  });

  it.for([
    [
      'different memories',
      { memory: { pages: 10, differentPages: 3, firstDifferent: [2, 5, 9] } },
      /3 of 10 pages differed .*\(2, 5, 9\)/,
    ],
    ['a failed check of a workload', {}, /2 of 9 words were wrong/],
  ] as const)('treats a run as failed: %s', async ([, change, message]) => {
    const bad = { ...measurementOf(1000, 1e6), ...change };
    const checks = [{ what: 'words', checked: 9, wrong: 'memory' in change ? 0 : 2 }];
    const { failed } = await measureAll(() =>
      Promise.resolve({ ...bad, workload: { ...bad.workload, checks } }),
    );
    expect(failed).toHaveLength(total);
    expect(failed[0]?.failures[0]?.message).toMatch(message);
  });

  it('ends a run that takes too long', async () => {
    const short = { ...experiment, timeLimitSeconds: 0.02, retries: 0, rounds: 1, warmUps: 0 };
    const forever: MeasureRun = (_, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('told to stop')));
      });
    const { failed } = await measureAll(forever, undefined, short);
    expect(failed[0]?.failures[0]?.message).toMatch(/more than 20 ms.*told to stop/);
  });

  it('keeps the settings of the experiment in each run, and has another seed in each round', async () => {
    await measureAll(works);
    const runs = store.runs();
    const { convergeSeconds, downtimeLimitMs, settleSeconds, sink, guest } = experiment;
    for (const { settings } of runs) {
      expect(settings).toEqual({ convergeSeconds, downtimeLimitMs, settleSeconds, sink, guest });
    }
    for (const round of [0, 1, 2]) {
      const seeds = runs.filter((run) => run.round === round).map(({ seed }) => seed);
      expect(new Set(seeds)).toEqual(new Set([experiment.seed + round + 1]));
    }
  });

  it.for([
    ['another QEMU', { qemu: '8.1.0' }, /qemu: "8\.1\.0" now, "7\.2\.22" before/],
    ['another accelerator', { accelerator: 'kvm' }, /accelerator: "kvm"/],
    ['another kernel', { kernel: '6.2.0' }, /kernel: "6\.2\.0"/],
    ['other hosts', { hosts: 'this machine alone' }, /hosts: "this machine alone"/],
  ] as const)(
    'refuses to mix results of %s with earlier ones, and keeps those',
    async ([, change, message]) => {
      await measureAll(works);
      const there = store.runs();
      const others = { ...experiment, rounds: 3 };
      const moved = measureAll(
        () => Promise.resolve({ ...measurementOf(1000, 1e6), ...change }),
        undefined,
        others,
      );
      await expect(moved).rejects.toThrow(message);
      await expect(moved).rejects.toThrow(/another folder with directory/);
      expect(store.runs()).toEqual(there);
    },
  );

  it('measures again with another accelerator if the experiment now names it', async () => {
    await measureAll(works);
    const guest = { ...experiment.guest, accelerator: 'kvm' as const };
    const fast = () => Promise.resolve({ ...measurementOf(1000, 1e6), accelerator: 'kvm' });
    const end = await measureAll(fast, undefined, { ...experiment, guest });
    expect(end).toMatchObject({ measured: total, failed: [] });
  });

  it('measures each workload with the accelerator that is best for its guest', async () => {
    const each: MeasureRun = ({ cell }) => {
      const accelerator = cell.workload.name === 'idle' ? 'tcg' : 'kvm';
      return Promise.resolve({ ...measurementOf(1000, 1e6), accelerator });
    };
    expect(await measureAll(each)).toMatchObject({ measured: total, failed: [] });
  });

  it('measures over another link beside the first, although its hosts differ', async () => {
    const links = [{ megabitsPerSecond: 100, delayMs: 0, lossPercent: 0 }];
    await measureAll(works);
    const slow = { ...measurementOf(1000, 1e6), hosts: 'namespaces, 100 Mbit/s' };
    const end = await measureAll(() => Promise.resolve(slow), undefined, { ...experiment, links });
    expect(end).toMatchObject({ measured: total, failed: [] });
  });

  it('refuses a folder with a file that is not a run', async () => {
    store.prepare();
    writeFileSync(join(directory, 'a.run.json'), '{"id":7}');
    await expect(measureAll(works)).rejects.toThrow(/a\.run\.json.*move it away/);
  });

  it('refuses runs of another format, and says which', async () => {
    await measureAll(works);
    const [first] = store.runs();
    const file = join(directory, `${first?.id}.run.json`);
    writeFileSync(file, JSON.stringify({ ...first, format: 'fakedirty-lab-run-1' }));
    const refused = measureAll(works);
    await expect(refused).rejects.toThrow(
      /has the format "fakedirty-lab-run-1".*reads "fakedirty-lab-run-2" only.*move it away/,
    );
    await expect(refused).rejects.toMatchObject({ code: 'ERR_RESULTS' });
  });
});
