// The packages that draw reports are optional to install: what happens without them.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { exitCodes } from '../../../lib/cli/exit-codes.js';
import { chartPackages } from '../../../lib/lab/report/chart-packages.js';
import { packageRoot } from '../../../lib/system/package-root.js';

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

const main = join(packageRoot, 'dist', 'cli', 'main.js');
const lab = join(packageRoot, 'dist', 'lab', 'index.js');

it.for(chartPackages)('ends "lab run" before anything begins if %s is not installed', (name) => {
  writeFileSync(
    join(directory, 'trial.yaml'),
    'name: trial\nworkloads: [idle]\nmemoryMiB: [256]\nmethods: [plain]\n',
  );
  const run = [main, 'lab', 'run', 'trial.yaml', '--qemu', '/nowhere/qemu'];
  const { status, output } = node(name, ...run);
  expect(status).toBe(exitCodes.failure);
  expect(output).toContain('npm install echarts @resvg/resvg-js');
  expect(existsSync(join(directory, 'lab-results'))).toBe(false);
  // Without a report it gets as far as looking for an accelerator.
  expect(node(name, ...run, '--no-report').output).toContain('No accelerator boots');
});

it.for(chartPackages)('has an error with a code for programs if %s is not installed', (name) => {
  const program = `import { writeReport } from ${JSON.stringify(lab)};
    await writeReport('.').catch(({ name, code }) => console.log(name, code));`;
  const { output } = node(name, '--input-type=module', '--eval', program);
  expect(output).toBe('MissingPackageError ERR_MISSING_PACKAGE\n');
});

it('names the packages if a figure of your own needs one that is not installed', () => {
  const figures = join(packageRoot, 'dist', 'lab', 'report', 'figures', 'index.js');
  writeFileSync(join(directory, 'own.mjs'), `import ${JSON.stringify(figures)};`);
  const { status, output } = node('echarts', main, 'lab', 'list', '--with', 'own.mjs');
  expect(status).toBe(exitCodes.failure);
  expect(output).toContain('npm install echarts @resvg/resvg-js');
});
