// A workload with its own program, and the example of the guide, with real VMs and from the command line.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, type TestContext } from 'vitest';
import { isMeasured, type MeasuredRun } from '../../../lib/lab/model/run.js';
import { ResultStore } from '../../../lib/lab/store/result-store.js';
import { packageRoot } from '../../../lib/system/package-root.js';
import { textOf } from './experiments.js';
import { needLabQemu } from './guests.js';

const run = promisify(execFile);
const main = join(packageRoot, 'dist', 'cli', 'main.js');

/** Gone when the test ends. */
function newDirectory(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
  context.onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

interface Measured {
  readonly runs: readonly MeasuredRun[];
  readonly page: string;
}

async function labRun(
  directory: string,
  binary: string,
  lines: string,
  modules: readonly string[],
): Promise<Measured> {
  writeFileSync(join(directory, 'trial.yaml'), textOf(lines));
  const own = modules.flatMap((file) => ['--with', file]);
  const args = ['lab', 'run', 'trial.yaml', '--qemu', binary, ...own, '--out', 'results'];
  await run(process.execPath, [main, ...args], { cwd: directory });
  const results = join(directory, 'results');
  return {
    runs: new ResultStore(results).runs().filter(isMeasured),
    page: readFileSync(join(results, 'index.html'), 'utf8'),
  };
}

const program = `
#include "workload.h"

int main(int argc, char **argv)
{
    uint64_t step = workload_number(argc, argv, "step", 1), counted = 0;
    uint64_t most = workload_number(argc, argv, "most", UINT64_MAX);

    workload_begin();
    while (!workload_stopped()) {
        uint64_t since_ns = workload_now_ns();
        bool works = counted < most;

        counted += works ? step : 0;
        workload_done(works, since_ns);
        usleep(1000);
    }
    return workload_check(1, counted != step * workload_state.operations, "counts");
}
`;
const own = `
  export const workloads = [{
    name: 'counting',
    summary: 'counts',
    operation: 'counts',
    programs: [new URL('counting.c', import.meta.url).pathname],
    needsNetwork: false,
    reports: 'guest',
    sender: 'guest',
    checks: { guest: true, outside: false },
    commands: (options) => ({
      inGuest: ['/bin/counting', ...Object.entries(options).map((each) => each.join('='))],
    }),
  }];
`;

it('compiles and runs a program that lies beside its workload', async (context) => {
  const { binary } = needLabQemu(context);
  const directory = newDirectory(context);
  writeFileSync(join(directory, 'counting.c'), program);
  writeFileSync(join(directory, 'own.mjs'), own);
  const lines = 'workloads: [{ name: counting, options: { step: 7 } }]\nmethods: [plain]';
  const { runs } = await labRun(directory, binary, lines, ['own.mjs']);
  expect(runs).toHaveLength(1);
  const { checks, reports } = runs[0]?.measurement.workload ?? {};
  expect(checks).toMatchObject([{ what: 'counts', checked: 1, wrong: 0 }]);
  expect(reports?.at(-1)?.operations).toBeGreaterThan(500);
});

it('fails a run whose workload makes no progress after the migration', async (context) => {
  const { binary } = needLabQemu(context);
  const directory = newDirectory(context);
  writeFileSync(join(directory, 'counting.c'), program);
  writeFileSync(join(directory, 'own.mjs'), own);
  const lines = 'workloads: [{ name: counting, options: { most: 100 } }]\nmethods: [plain]';
  const failed = labRun(directory, binary, lines, ['own.mjs']);
  await expect(failed).rejects.toThrow(/1 run failed/);
  const [only] = new ResultStore(join(directory, 'results')).runs();
  expect(only?.measurement).toBeNull();
  expect(only?.failures[0]?.message).toMatch(/made no progress .*says 100 operations/);
});

it('runs the workload, the method and the figure of the guide', async (context) => {
  const { binary, patched } = needLabQemu(context);
  const method = patched ? 'filter-md5-verified' : 'plain';
  const lines = `workloads: [block-memory]\nmethods: [${method}]\nconvergeSeconds: 3`;
  const modules = ['custom-workload.mjs', 'custom-figure.mjs'].map((name) =>
    join(packageRoot, 'docs', 'examples', name),
  );
  const { runs, page } = await labRun(newDirectory(context), binary, lines, modules);
  expect(runs).toHaveLength(1);
  const { memory, workload } = runs[0]?.measurement ?? {};
  expect(memory?.differentPages).toBe(0);
  expect(workload?.reports.at(-1)?.operations).toBeGreaterThan(1);
  expect(page).toContain('Passes by method');
});
