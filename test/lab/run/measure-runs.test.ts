import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseExperiment } from '../../lib/lab/catalogue/experiment-file.js';
import { describeCell } from '../../lib/lab/model/cell.js';
import { cellsOf, plannedRuns } from '../../lib/lab/plan/planned-runs.js';
import { AttemptError, InterruptedError } from '../../lib/lab/run/errors.js';
import { type MeasureRun, measureRuns, type Progress } from '../../lib/lab/run/measure-runs.js';
import { ResultStore } from '../../lib/lab/store/result-store.js';
import { catalogue, experimentText, measurementOf } from './measurements.js';

function parse(text: string) {
  return parseExperiment(text, 'trial.yaml', catalogue);
}

const experiment = parse(experimentText);

describe('the file of an experiment', () => {
  it('says what is measured, and leaves the rest at its defaults', () => {
    expect(experiment).toMatchObject({
      name: 'small',
      workloads: [
        { name: 'idle', options: {} },
        { name: 'working-set', options: { share: 0.25 } },
      ],
      links: [{ megabitsPerSecond: 1000, delayMs: 0, lossPercent: 0 }],
      guest: { processors: 1, memory: 'file', accelerator: 'auto' },
      sink: false,
    });
  });

  it.for([
    [
      'a method that there is not',
      'methods: [plain, filter]',
      'methods: [plain, fast]',
      /line 11: methods.1:.*plain.*xbzrle.*filter/,
    ],
    [
      'a workload that there is not',
      '- idle',
      '- sleep',
      /line 7: workloads.0: there is no workload 'sleep'.*working-set/,
    ],
    [
      'an option that a workload does not have',
      'share: 0.25',
      'size: 3',
      /line 8: workloads.1:.*size.*share, bytes/s,
    ],
    ['an unknown word', 'rounds: 2', 'round: 2', /line 2: the file:.*"round"/],
    ['too little memory', '256, 512', '256, 64', /line 10: memoryMiB.1:.*256/],
    ['the same twice', '256, 512', '256, 256', /line 10: memoryMiB.1: it is there already/],
    ['no experiment at all', experimentText, '[1, 2]', /line 1: the file:.*object/],
    ['no YAML', 'name: small', 'name: [small', /line \d+: /],
    ['a key that is there twice', 'seed: 7', 'name: other', /line 3: .*unique/],
  ] as const)('is refused with the line of what is wrong: %s', ([, from, to, message]) => {
    expect(() => parse(experimentText.replace(from, to))).toThrow(message);
    expect(() => parse(experimentText.replace(from, to))).toThrow(/trial\.yaml describes no/);
  });
});

describe('the runs of an experiment', () => {
  const runs = plannedRuns(experiment);

  it('measure every combination once a round, warm-ups before', () => {
    const cells = cellsOf(experiment);
    expect(cells).toHaveLength(2 * 2 * 2);
    expect(runs).toHaveLength(cells.length * 3);
    for (const round of [0, 1, 2]) {
      const inRound = runs.filter((run) => run.round === round);
      expect(new Set(inRound.map(({ cell }) => describeCell(cell))).size).toBe(cells.length);
      expect(inRound.every(({ warmUp }) => warmUp === (round === 0))).toBe(true);
    }
    expect(new Set(runs.map(({ id }) => id)).size).toBe(runs.length);
    expect(runs.map(({ round }) => round)).toEqual([...runs.map(({ round }) => round)].sort());
  });

  it('come in an order that the seed alone decides, another one each round', () => {
    expect(plannedRuns(experiment)).toEqual(runs);
    const order = (list: typeof runs, round: number) =>
      list.filter((run) => run.round === round).map(({ cell }) => describeCell(cell));
    expect(order(runs, 1)).not.toEqual(order(runs, 2));
    expect(order(plannedRuns({ ...experiment, seed: 8 }), 1)).not.toEqual(order(runs, 1));
  });

  it('have other names when what they measure is something else, so that nothing old is taken for it', () => {
    const other = plannedRuns({ ...experiment, guest: { ...experiment.guest, processors: 2 } });
    const known = new Set(runs.map(({ id }) => id));
    expect(other.some(({ id }) => known.has(id))).toBe(false);
    // More rounds of the same add to what is there.
    const more = plannedRuns({ ...experiment, rounds: 3 });
    expect(more.filter(({ id }) => known.has(id))).toHaveLength(runs.length);
  });
});

describe('carrying an experiment out', () => {
  let directory: string;
  let store: ResultStore;
  let said: Progress[];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
    store = new ResultStore(directory);
    said = [];
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const total = plannedRuns(experiment).length;
  const works: Measure = () => Promise.resolve(measurementOf(1000, 1e6));

  function carryOut(measure: Measure, signal?: AbortSignal, what = experiment) {
    const onProgress = (progress: Progress) => said.push(progress);
    const options = { experiment: what, store, measure, onProgress };
    return measureRuns(signal ? { ...options, signal } : options);
  }

  it('makes a file of each run, and tells how far it is', async () => {
    expect(await carryOut(works)).toEqual({ measured: total, resumed: 0, failed: [] });
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
    const done = said.filter(({ what }) => what === 'done');
    expect(done.map((progress) => progress.done)).toEqual(
      Array.from({ length: total }, (_, at) => at + 1),
    );
    expect(said[0]?.leftMs).toBeUndefined();
    expect(said.at(-1)?.leftMs).toBe(0);
  });

  it('goes on after an interruption, and makes nothing twice', async () => {
    const stop = new AbortController();
    let made = 0;
    const stopped = carryOut((_, signal) => {
      made += 1;
      if (made < 5) return works(_, signal);
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
        stop.abort();
      });
    }, stop.signal);
    await expect(stopped).rejects.toThrow(InterruptedError);
    expect(store.runs()).toHaveLength(4);
    // What somebody left that was killed while writing.
    writeFileSync(join(directory, 'x.run.json.999999999.part'), '{');
    expect(await carryOut(works)).toMatchObject({ measured: total - 4, resumed: 4 });
    expect(readdirSync(directory)).toHaveLength(total);
  });

  it('tries again what fails, and keeps why', async () => {
    const [first] = plannedRuns(experiment);
    const consoles = { source: ['Kernel panic - not syncing'] };
    let attempts = 0;
    await carryOut((run, signal) => {
      if (run.id === first?.id) attempts += 1;
      return run.id === first?.id && attempts === 1
        ? Promise.reject(new AttemptError('QEMU fell over', consoles))
        : works(run, signal);
    });
    expect(attempts).toBe(2);
    const run = store.runs().find(({ id }) => id === first?.id);
    expect(run).toMatchObject({ failures: [{ message: 'QEMU fell over', consoles }] });
    expect(run?.measurement).not.toBeNull();
    expect(said.filter(({ what }) => what === 'fails')).toHaveLength(1);
  });

  it('reports what fails each time, goes on with the others, and tries it again at the next start', async () => {
    const [first] = plannedRuns(experiment);
    const end = await carryOut((run, signal) =>
      run.id === first?.id ? Promise.reject(new Error('never')) : works(run, signal),
    );
    expect(end).toMatchObject({ measured: total - 1, failed: [{ id: first?.id }] });
    expect(end.failed[0]?.failures).toHaveLength(2);
    expect(said.filter(({ what }) => what === 'gives up')).toHaveLength(1);
    expect(await carryOut(works)).toEqual({ measured: 1, resumed: total - 1, failed: [] });
  });

  it.for([
    [
      'memories that differ',
      { memory: { pages: 10, differentPages: 3, firstDifferent: [2, 5, 9] } },
      /3 of 10 pages differed .*\(2, 5, 9\)/,
    ],
    ['a workload that went wrong', {}, /2 of 9 words were wrong/],
  ] as const)('counts as failed: %s', async ([, change, message]) => {
    const bad = { ...measurementOf(1000, 1e6), ...change };
    const checks = [{ what: 'words', checked: 9, wrong: 'memory' in change ? 0 : 2 }];
    const { failed } = await carryOut(() =>
      Promise.resolve({ ...bad, workload: { ...bad.workload, checks } }),
    );
    expect(failed).toHaveLength(total);
    expect(failed[0]?.failures[0]?.message).toMatch(message);
  });

  it('gives up a run that takes too long', async () => {
    const short = { ...experiment, timeLimitSeconds: 0.02, retries: 0, rounds: 1, warmUps: 0 };
    const forever: Measure = (_, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('told to stop')));
      });
    const { failed } = await carryOut(forever, undefined, short);
    expect(failed[0]?.failures[0]?.message).toMatch(/more than 20 ms.*told to stop/);
  });

  it('says in each run what the experiment wants of all, and has another seed in each round', async () => {
    await carryOut(works);
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
    ['another QEMU', { qemu: '8.1.0' }, /qemu: "8\.1\.0", and before "7\.2\.22"/],
    ['another accelerator', { accelerator: 'kvm' }, /accelerator: "kvm"/],
    ['another kernel', { kernel: '6.2.0' }, /kernel: "6\.2\.0"/],
    ['other hosts', { hosts: 'this machine alone' }, /hosts: "this machine alone"/],
  ] as const)('refuses to go on with %s, and keeps what is there', async ([, change, message]) => {
    await carryOut(works);
    const there = store.runs();
    const others = { ...experiment, rounds: 3 };
    const moved = carryOut(
      () => Promise.resolve({ ...measurementOf(1000, 1e6), ...change }),
      undefined,
      others,
    );
    await expect(moved).rejects.toThrow(message);
    await expect(moved).rejects.toThrow(/another folder with --out/);
    expect(store.runs()).toEqual(there);
  });

  it('goes on with another accelerator where the experiment asks for it', async () => {
    await carryOut(works);
    const guest = { ...experiment.guest, accelerator: 'kvm' as const };
    const fast = () => Promise.resolve({ ...measurementOf(1000, 1e6), accelerator: 'kvm' });
    const end = await carryOut(fast, undefined, { ...experiment, guest });
    expect(end).toMatchObject({ measured: total, failed: [] });
  });

  it('goes on over another link, whose hosts are others', async () => {
    const links = [{ megabitsPerSecond: 100, delayMs: 0, lossPercent: 0 }];
    await carryOut(works);
    const slow = { ...measurementOf(1000, 1e6), hosts: 'namespaces, 100 Mbit/s' };
    const end = await carryOut(() => Promise.resolve(slow), undefined, { ...experiment, links });
    expect(end).toMatchObject({ measured: total, failed: [] });
  });

  it('refuses a folder that holds something else under the name of a run', async () => {
    store.prepare();
    writeFileSync(join(directory, 'a.run.json'), '{"format":"other"}');
    await expect(carryOut(works)).rejects.toThrow(/a\.run\.json.*move it away/);
  });
});
