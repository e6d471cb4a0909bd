// `fakedirty lab` as users see it. What it does with real VMs is tested with the lab.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exitCodes } from '../../lib/cli/exit-codes.js';
import { parseExperiment } from '../../lib/lab/catalogue/experiment-file.js';
import { methods } from '../../lib/lab/methods/built-in.js';
import { measureRuns } from '../../lib/lab/run/measure-runs.js';
import { ResultStore } from '../../lib/lab/store/result-store.js';
import { workloads } from '../../lib/lab/workloads/built-in.js';
import { packageRoot } from '../../lib/system/package-root.js';
import { runLab, runLabUnprivileged } from '../harness/run-lab.js';
import { leftBehind } from '../lab/machine/experiments.js';
import { measurementOf } from '../lab/measurements.js';
import { needNoNetem } from '../lab/networks.js';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function fakedirty(...args: string[]) {
  return runLab(directory, ...args);
}

function experimentFile(method: string, { workloads = '[idle]', links = '[{}]' } = {}): string {
  const file = join(directory, 'trial.yaml');
  const what = `workloads: ${workloads}\nlinks: ${links}\n`;
  writeFileSync(file, `name: trial\n${what}memoryMiB: [256]\nmethods: [${method}]\n`);
  return file;
}

describe('fakedirty lab', () => {
  it('lists every workload and every method', () => {
    const { status, output } = fakedirty('list');
    expect(status).toBe(exitCodes.ok);
    for (const { name } of [...workloads, ...methods]) expect(output).toContain(`  ${name} `);
  });

  it('refuses a folder in which nothing can be made', () => {
    const file = experimentFile('plain');
    for (const out of ['/proc/x', '/proc/x/y', join(file, 'below')]) {
      const { status, output } = fakedirty('run', file, '--sink', '--no-report', '--out', out);
      expect(status).toBe(exitCodes.usage);
      expect(output).toContain(`error: --out: nothing can be written in ${out} (E`);
      expect(output).toContain('name a folder of your own');
    }
  });

  it('reports what is wrong in the file, and creates nothing', () => {
    const { status, output } = fakedirty('run', experimentFile('magic'));
    expect(status).toBe(exitCodes.failure);
    expect(output).toMatch(/trial\.yaml.*line 5: methods\.0/s);
    const missing = fakedirty('run', 'nowhere.yaml');
    expect(missing.status).toBe(exitCodes.failure);
    expect(missing.output).toContain('nowhere.yaml');
  });

  it('keeps a copy of the experiment as it is run with --sink', () => {
    const file = experimentFile('plain');
    const { status, output } = fakedirty('run', file, '--sink', '--qemu', '/bin/false');
    expect(status).toBe(exitCodes.failure);
    expect(output).toContain('No accelerator boots a 64-bit guest here');
    const copy = join(directory, 'lab-results', 'trial-sink', 'experiment.yaml');
    const sinks = (path: string) => parseExperiment(readFileSync(path, 'utf8'), path);
    expect([sinks(file).sink, sinks(copy).sink]).toEqual([false, true]);
  });

  it('says how to build the QEMU that a method needs', () => {
    const { status, output } = fakedirty('run', experimentFile('filter-ph128'));
    expect(status).toBe(exitCodes['not-built']);
    expect(output).toMatch(/filter-ph128.*fakedirty qemu build --version 7\.2/s);
  });

  function expectNothingMade(pid: number): void {
    expect(existsSync(join(directory, 'lab-results'))).toBe(false);
    expect(leftBehind(pid)).toEqual([]);
  }

  const demanding = {
    workloads: '[idle, memcached, network-receive]',
    links: '[{}, { delayMs: 10 }, { lossPercent: 1 }]',
  };

  it('refuses an experiment that needs a network without root, with all reasons, before it starts', () => {
    const file = experimentFile('plain', demanding);
    const { pid, status, output } = runLabUnprivileged(directory, 'run', file);
    expect(status).toBe(exitCodes.refused);
    expect(output).toContain('nothing was started');
    for (const needy of ['memcached', 'network-receive', '10 ms each way', '1 % lost']) {
      expect(output).toMatch(new RegExp(`${needy} needs .*\\. Run as root, or `));
    }
    expectNothingMade(pid);
  });

  it('runs without root if nothing needs a network', () => {
    const file = experimentFile('plain');
    const args = ['run', file, '--sink', '--qemu', '/bin/false'];
    const { status, output } = runLabUnprivileged(directory, ...args);
    expect(status).toBe(exitCodes.failure);
    expect(output).toContain('No accelerator boots a 64-bit guest here');
  });

  it('refuses links that the kernel does not support, with all reasons, before it starts', (context) => {
    needNoNetem(context);
    const { pid, status, output } = fakedirty('run', experimentFile('plain', demanding));
    expect(status).toBe(exitCodes.refused);
    expect(output).toMatch(/10 ms each way .*CONFIG_NET_SCH_NETEM.*remove delayMs and lossPercent/);
    expect(output).toMatch(/1 % lost .*CONFIG_NET_SCH_NETEM/);
    expect(output).not.toMatch(/memcached|network-receive/);
    expectNothingMade(pid);
  });

  it('refuses to report a folder without results', () => {
    mkdirSync(join(directory, 'empty'));
    const { status, output } = fakedirty('report', 'empty');
    expect(status).toBe(exitCodes.failure);
    expect(output).toContain('no results of runs yet');
  });

  describe('if the experiment has changed since', () => {
    const text = 'name: trial\nworkloads: [idle]\nmemoryMiB: [256]\nrounds: 1\nwarmUps: 0\n';
    const results = () => join(directory, 'results');
    const ids = (html: string) => html.match(/<tr><td>[a-z]+</g)?.map((row) => row.slice(8, -1));

    /** Leaves results as `lab run` does, without VMs. */
    async function measureExperiment(more: string): Promise<void> {
      const experiment = parseExperiment(text + more, 'trial.yaml');
      const measure = () => Promise.resolve(measurementOf(1000, 1e8));
      await measureRuns({ experiment, store: new ResultStore(results()), measure });
      writeFileSync(join(results(), 'experiment.yaml'), text + more);
    }

    it('reports the runs that it plans now, and how many others there are', async () => {
      await measureExperiment('methods: [hybrid, plain, xbzrle]\nconvergeSeconds: 60\n');
      expect(fakedirty('report', 'results').output).toBe('results/index.html\n');
      // Neither the method that it no longer has nor runs with another limit are the baseline.
      await measureExperiment('methods: [plain, xbzrle]\nconvergeSeconds: 8\n');
      const { status, output } = fakedirty('report', 'results');
      expect(status).toBe(exitCodes.ok);
      const leftOut = 'Runs in the folder that the experiment does not plan: 3. They are left out.';
      expect(output).toBe(`results/index.html\n${leftOut}\n`);
      const html = readFileSync(join(results(), 'index.html'), 'utf8');
      const table = ['plain', 'xbzrle'];
      expect(ids(html)).toEqual([...table, ...table, ...table, ...table]);
      expect(html).toContain(`<p class="warning">${leftOut}</p>`);
      expect(html).not.toContain('hybrid');
      const csv = readFileSync(join(results(), 'runs.csv'), 'utf8').trimEnd().split('\r\n');
      expect(csv).toHaveLength(1 + 2);
    });

    it('refuses to report if it plans none of the runs', async () => {
      await measureExperiment('methods: [plain]\n');
      writeFileSync(join(results(), 'experiment.yaml'), `${text}methods: [xbzrle]\n`);
      const { status, output } = fakedirty('report', 'results');
      expect(status).toBe(exitCodes.failure);
      expect(output).toMatch(/has 1 run, but none that the experiment plans/);
    });
  });

  function kept(name: string) {
    const file = join(packageRoot, 'experiments', `${name}.yaml`);
    return parseExperiment(readFileSync(file, 'utf8'), file);
  }

  it.for(['first', 'quick', 'sizes', 'start'])('accepts experiments/%s.yaml', (name) => {
    expect(kept(name).name).toBe(name);
  });

  it('measures every Linux workload with experiments/quick.yaml', () => {
    const measured = kept('quick').workloads.map(({ name }) => name);
    const ofLinux = workloads.filter(({ bareGuest }) => !bareGuest).map(({ name }) => name);
    expect(measured.sort()).toEqual(ofLinux.sort());
  });
});
