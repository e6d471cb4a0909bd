// `fakedirty lab` as users see it. What it does with real VMs is tested with the lab.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { exitCodes } from '../../lib/cli/exit-codes.js';
import { parseExperiment } from '../../lib/lab/experiment/schema.js';
import { methods } from '../../lib/lab/methods/all.js';
import { workloads } from '../../lib/lab/workloads/all.js';
import { repository } from '../../scripts/run/cache.mjs';
import { runLab } from './run-lab.js';

// Each call starts a Node.
vi.setConfig({ testTimeout: 60_000 });

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function fakedirty(...args: string[]) {
  return runLab(directory, ...args);
}

function experimentFile(method: string): string {
  const file = join(directory, 'trial.yaml');
  writeFileSync(file, `name: trial\nworkloads: [idle]\nmemoryMiB: [256]\nmethods: [${method}]\n`);
  return file;
}

describe('fakedirty lab', () => {
  it('lists every workload and every method', () => {
    const { status, output } = fakedirty('list');
    expect(status).toBe(exitCodes.ok);
    for (const { name } of [...workloads, ...methods]) expect(output).toContain(`  ${name} `);
  });

  it('names what is wrong in the file, and makes nothing', () => {
    const { status, output } = fakedirty('run', experimentFile('magic'));
    expect(status).toBe(exitCodes.failure);
    expect(output).toMatch(/trial\.yaml.*line 4: methods\.0/s);
    const missing = fakedirty('run', 'nowhere.yaml');
    expect(missing.status).toBe(exitCodes.failure);
    expect(missing.output).toContain('nowhere.yaml');
  });

  it('keeps an experiment as it was run, with --sink', () => {
    const file = experimentFile('plain');
    const { status, output } = fakedirty('run', file, '--sink', '--qemu', '/nowhere/qemu');
    expect(status).toBe(exitCodes.failure);
    expect(output).toContain('No accelerator boots a 64-bit guest here');
    const copy = join(directory, 'lab-results', 'trial-sink', 'experiment.yaml');
    const sinks = (path: string) => parseExperiment(readFileSync(path, 'utf8'), path);
    expect([sinks(file).sink, sinks(copy).sink]).toEqual([false, true]);
  });

  it('says how to get the QEMU that a method needs', () => {
    const { status, output } = fakedirty('run', experimentFile('filter-ph128'));
    expect(status).toBe(exitCodes['not-built']);
    expect(output).toMatch(/filter-ph128.*fakedirty qemu build --version 7\.2/s);
  });

  it('has nothing to report of a folder without results', () => {
    mkdirSync(join(directory, 'empty'));
    const { status, output } = fakedirty('report', 'empty');
    expect(status).toBe(exitCodes.failure);
    expect(output).toContain('no results of runs yet');
  });

  function kept(name: string) {
    const file = join(repository, 'experiments', `${name}.yaml`);
    return parseExperiment(readFileSync(file, 'utf8'), file);
  }

  it.for(['first', 'quick', 'sizes', 'start'])('can carry out experiments/%s.yaml', (name) => {
    expect(kept(name).name).toBe(name);
  });

  it('measures all workloads of Linux with experiments/quick.yaml', () => {
    const measured = kept('quick').workloads.map(({ name }) => name);
    const ofLinux = workloads.filter(({ bareGuest }) => !bareGuest).map(({ name }) => name);
    expect(measured.sort()).toEqual(ofLinux.sort());
  });
});
