// The packages that draw reports are optional to install: what happens without them.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { exitCodes } from '../../../lib/cli/exit-codes.js';
import { parseExperiment } from '../../../lib/lab/catalogue/experiment-file.js';
import { chartPackages } from '../../../lib/lab/report/chart-packages.js';
import { measureRuns } from '../../../lib/lab/run/measure-runs.js';
import { ResultStore } from '../../../lib/lab/store/result-store.js';
import { packageRoot } from '../../../lib/system/package-root.js';
import { measurementOf } from '../measurements.js';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** Has Node find everything but this package. */
function withoutPackage(name: string): string[] {
  const hooks = `export async function resolve(specifier, context, next) {
    if (specifier !== '${name}') return next(specifier, context);
    const error = new Error("Cannot find package '${name}' imported from " + context.parentURL);
    throw Object.assign(error, { code: 'ERR_MODULE_NOT_FOUND' });
  }`;
  const url = (program: string) => `data:text/javascript,${encodeURIComponent(program)}`;
  const register = `import { register } from 'node:module'; register(${JSON.stringify(url(hooks))});`;
  return ['--import', url(register)];
}

function node(name: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...withoutPackage(name), ...args],
    { cwd: directory, encoding: 'utf8' },
  );
  return { status, output: stdout + stderr };
}

const text = 'name: trial\nworkloads: [idle]\nmemoryMiB: [256]\nmethods: [plain]\nrounds: 1\n';

/** Leaves results as `lab run` does, without VMs. */
async function leaveResults(): Promise<void> {
  const experiment = parseExperiment(text, 'trial.yaml');
  const measure = () => Promise.resolve(measurementOf(1000, 1e8));
  await measureRuns({ experiment, store: new ResultStore(directory), measure });
}

const main = join(packageRoot, 'dist', 'cli', 'main.js');
const lab = join(packageRoot, 'dist', 'lab', 'index.js');

it.for(chartPackages)('ends "lab run" before anything begins if %s is not installed', (name) => {
  writeFileSync(join(directory, 'trial.yaml'), text);
  const run = [main, 'lab', 'run', 'trial.yaml', '--qemu', '/bin/false'];
  const { status, output } = node(name, ...run);
  expect(status).toBe(exitCodes['missing-tools']);
  expect(output).toContain('npm install echarts @resvg/resvg-js, or run it with --no-report');
  expect(existsSync(join(directory, 'lab-results'))).toBe(false);
  // Without a report it gets as far as looking for an accelerator.
  expect(node(name, ...run, '--no-report').output).toContain('No accelerator boots');
});

it('asks for packages only if nothing else is wrong with what was asked for', () => {
  writeFileSync(join(directory, 'trial.yaml'), text);
  const wrong = [
    ['--qemu', '/nowhere/qemu', '--qemu: there is no program /nowhere/qemu'],
    ['--qemu', 'no-such-qemu', '--qemu: there is no program no-such-qemu'],
    ['--out', 'trial.yaml', '--out: nothing can be written in trial.yaml'],
    ['--out', '/proc/x', '--out: nothing can be written in /proc/x'],
  ] as const;
  for (const [flag, value, message] of wrong) {
    const { status, output } = node('echarts', main, 'lab', 'run', 'trial.yaml', flag, value);
    expect(output).toContain(message);
    expect(status).toBe(exitCodes.usage);
  }
  const report = (folder: string) => node('echarts', main, 'lab', 'report', folder).output;
  expect(report('.')).toContain('has no results of runs yet');
  expect(report('nowhere')).toContain('nowhere is not a folder of results that can be read');
});

it('ends "lab report" with a code of its own if packages are all that is missing', async () => {
  await leaveResults();
  const { status, output } = node('echarts', main, 'lab', 'report', '.');
  expect(status).toBe(exitCodes['missing-tools']);
  expect(output).toContain('npm install echarts @resvg/resvg-js');
  expect(output).not.toContain('--no-report');
});

it.for(chartPackages)(
  'has an error with a code for programs if %s is not installed',
  async (name) => {
    await leaveResults();
    const program = `import { writeReport } from ${JSON.stringify(lab)};
    await writeReport('.').catch(({ name, code }) => console.log(name, code));`;
    const { output } = node(name, '--input-type=module', '--eval', program);
    expect(output).toBe('MissingPackageError ERR_MISSING_PACKAGE\n');
  },
);

it('names the packages if a figure of your own needs one that is not installed', () => {
  const figures = join(packageRoot, 'dist', 'lab', 'report', 'figures', 'index.js');
  writeFileSync(join(directory, 'own.mjs'), `import ${JSON.stringify(figures)};`);
  const { status, output } = node('echarts', main, 'lab', 'list', '--with', 'own.mjs');
  expect(status).toBe(exitCodes['missing-tools']);
  expect(output).toContain('npm install echarts @resvg/resvg-js');
});
