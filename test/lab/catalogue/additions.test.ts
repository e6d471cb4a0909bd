// Modules with workloads, methods and figures of your own, as users name them on the command line.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exitCodes } from '../../../lib/cli/exit-codes.js';
import { parseExperiment } from '../../../lib/lab/catalogue/experiment-file.js';
import { measureRuns } from '../../../lib/lab/run/measure-runs.js';
import { ResultStore } from '../../../lib/lab/store/result-store.js';
import { runLab } from '../../harness/run-lab.js';
import { measurementOf } from '../measurements.js';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function lab(...args: string[]) {
  return runLab(directory, ...args);
}

/** With a file for each of the texts. */
function listWith(...texts: string[]) {
  const files = texts.flatMap((text, at) => {
    const file = `own${at}.mjs`;
    writeFileSync(join(directory, file), text);
    return ['--with', file];
  });
  return lab('list', ...files);
}

const method = `{
  name: 'slow', summary: 'takes its time', needsFilter: false, postcopy: false, options: () => ({}),
}`;
const workload = `{
  name: 'mine', summary: 'does what I want', operation: 'rounds', programs: ['/nowhere/mine.c'],
  needsNetwork: false, reports: 'guest', sender: 'guest', checks: { guest: true, outside: false },
  commands: () => ({ inGuest: ['/bin/mine'] }),
}`;
const both = [`export const workloads = [${workload}];`, `export const methods = [${method}];`];

describe('a module with additions', () => {
  it('adds to the built-in workloads and methods', () => {
    const { status, output } = listWith(...both);
    expect(status).toBe(exitCodes.ok);
    expect(output).toMatch(
      / {2}idle .*\n {2}mine +does what I want\n.* {2}plain .* {2}slow +takes/s,
    );
  });

  it('is needed by an experiment that uses it', () => {
    listWith(...both);
    const text = 'name: a\nworkloads: [mine]\nmemoryMiB: [256]\nmethods: [slow]\n';
    writeFileSync(join(directory, 'a.yaml'), text);
    const run = ['run', 'a.yaml', '--qemu', '/bin/false', '--with', 'own0.mjs'];
    expect(lab(...run).output).toMatch(/line 4: methods\.0/);
    expect(lab(...run, '--with', 'own1.mjs').output).toContain('No accelerator boots');
  });

  it.for([
    [
      'exports nothing',
      'export const methodes = [];',
      /own0\.mjs: .*exports no "workloads", no "methods"/,
    ],
    [
      'exports something that is not a list',
      'export const methods = {};',
      /own0\.mjs: .*expected array.*at methods/s,
    ],
    [
      'exports an incomplete method',
      'export const methods = [{ name: "a" }];',
      /at methods\[0\]\.summary/,
    ],
    [
      'has a name that can not be a file name',
      `export const methods = [{ ...${method}, name: '../a' }];`,
      /lower-case letters.*at methods\[0\]\.name/s,
    ],
    [
      'has a property that should be a function',
      `export const workloads = [{ ...${workload}, commands: 'ls' }];`,
      /expected a function.*at workloads\[0\]\.commands/s,
    ],
    [
      'uses a name that is taken',
      `export const methods = [{ ...${method}, name: 'plain' }];`,
      /own0\.mjs: there is already a method plain/,
    ],
    [
      'uses a name twice',
      `export const methods = [${method}, ${method}];`,
      /there is already a method slow/,
    ],
    ['does not parse', 'export const = 1;', /own0\.mjs can't be loaded: /],
  ] as const)('is refused if it %s', ([, text, said]) => {
    const { status, output } = listWith(text);
    expect(output).toMatch(said);
    expect(status).toBe(exitCodes.failure);
  });

  it('is refused if it does not exist', () => {
    const { status, output } = lab('list', '--with', 'nowhere.mjs');
    expect(output).toMatch(/nowhere\.mjs can't be loaded: /);
    expect(status).toBe(exitCodes.failure);
  });

  it('adds its figures to the report, after the built-in ones', async () => {
    const figure = `export const figures = [({ methods }) => [{
      id: 'mine', title: 'A figure of mine', alternative: methods.join(),
      svg: '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>',
    }]];`;
    writeFileSync(join(directory, 'own.mjs'), figure);
    const results = join(directory, 'results');
    const text = 'name: a\nworkloads: [idle]\nmemoryMiB: [256]\nmethods: [plain]\nrounds: 1\n';
    await measureRuns({
      experiment: parseExperiment(text, 'a'),
      store: new ResultStore(results),
      measure: () => Promise.resolve(measurementOf(1000, 1e8)),
    });
    expect(lab('report', 'results', '--with', 'own.mjs').status).toBe(exitCodes.ok);
    const page = readFileSync(join(results, 'index.html'), 'utf8');
    expect(page.indexOf('A figure of mine')).toBeGreaterThan(page.indexOf('Time in the filter'));
    expect(readFileSync(join(results, 'figures', 'mine.png')).length).toBeGreaterThan(0);
    // Without the module, the report no longer has the figure.
    lab('report', 'results');
    expect(readFileSync(join(results, 'index.html'), 'utf8')).not.toContain('A figure of mine');
  });
});
