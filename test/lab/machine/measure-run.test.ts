// Experiments with real VMs, from the file to the report.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { builtIn } from '../../../lib/lab/catalogue/built-in.js';
import { methods } from '../../../lib/lab/methods/built-in.js';
import { stoppedBy } from '../../../lib/lab/model/stopped-by.js';
import { csvOf } from '../../../lib/lab/report/csv.js';
import { writeReport } from '../../../lib/lab/report/write-report.js';
import { InterruptedError } from '../../../lib/lab/run/errors.js';
import { measureWith } from '../../../lib/lab/run/measure-run.js';
import { measureRuns } from '../../../lib/lab/run/measure-runs.js';
import { experimentOf, leftBehind, measureExperiment, newStore } from './experiments.js';
import { needLabQemu } from './guests.js';

const { FAKEDIRTY_LONG } = process.env;
const long = FAKEDIRTY_LONG === '1';

const slowMs = 3000;
const idle = 'workloads: [{ name: idle, options: { bytes: 8000000 } }]';

/** That QEMU, which takes its time to start where a guest is to arrive. */
function slowToReceive(binary: string, directory: string): string {
  const program = join(directory, 'qemu');
  const script = `#!/bin/sh\ncase "$*" in *-incoming*) sleep ${slowMs / 1000} ;; esac\nexec ${binary} "$@"\n`;
  writeFileSync(program, script, { mode: 0o755 });
  return program;
}

describe('an experiment with real VMs', () => {
  it('measures a run, compares memories, checks the workload, and writes a report', async (context) => {
    const { binary } = needLabQemu(context);
    const store = newStore(context);
    const experiment = experimentOf(`${idle}\nmethods: [plain]`);
    const [run] = await measureExperiment(
      experiment,
      slowToReceive(binary, store.directory),
      store,
    );
    const measurement = run?.measurement;
    expect(measurement?.memory).toEqual({ pages: 65536, differentPages: 0 });
    expect(Object.keys(measurement?.consoles ?? {})).toEqual(['source', 'destination']);
    expect(measurement?.migration).toMatchObject({ outcome: 'completed' });
    expect(measurement?.migration.bytes.total).toBeGreaterThan(20e6);
    expect(measurement?.workload.checks).toMatchObject([{ what: 'words', wrong: 0 }]);
    const {
      migrationBeganMs = 0,
      migrationEndedMs = 0,
      reports = [],
    } = measurement?.workload ?? {};
    expect(reports.at(-1)?.receivedMs).toBeGreaterThan(migrationEndedMs + 1000);
    // It begins when migrate() is called, not when a destination is started for it.
    const { totalMs = 0 } = measurement?.migration ?? {};
    expect(migrationEndedMs - migrationBeganMs).toBeGreaterThanOrEqual(totalMs);
    // The clock of the workload goes on while the destination starts.
    expect(migrationBeganMs).toBeGreaterThan(slowMs);
    expect(measurement?.migrateOptions).toMatchObject({
      downtimeLimitMs: 300,
      holdAtDestination: true,
    });
    const { source } = measurement?.commandLines ?? {};
    expect(source?.join(' ')).toMatch(/-kernel .*vmlinuz/);
    expect(leftBehind()).toEqual([]);
    const { page } = writeReport({ store, title: 'Trial' });
    expect(readFileSync(page, 'utf8')).toContain('65,536 pages');
  });

  it('only counts pages if there is no destination, and stops a migration that does not converge', async (context) => {
    const { binary, patched } = needLabQemu(context);
    const method = patched ? 'filter-ph128' : 'plain';
    const busy = `workloads: [{ name: same-values, options: { share: 0.4 } }]\nmethods: [${method}]`;
    const experiment = experimentOf(`${busy}\nsink: true\nconvergeSeconds: 3\ndowntimeLimitMs: 1`);
    const [run] = await measureExperiment(experiment, binary, newStore(context));
    expect(run?.measurement).toMatchObject({
      memory: null,
      memoryNotCompared: 'the stream was discarded',
    });
    // The filter sees that there is nothing to send; without it, it never converges.
    if (patched) expect(run?.measurement.migration.filter?.unchanged).toBeGreaterThan(1000);
    else expect(run && stoppedBy(run.measurement)).toBe('limit');
  });

  it('measures the guest first where the method is to be chosen, and keeps what was chosen and why', async (context) => {
    const { binary, patched } = needLabQemu(context);
    const method = patched ? 'auto' : 'walm';
    const store = newStore(context);
    const experiment = experimentOf(`${idle}\nmethods: [${method}]`);
    const [run] = await measureExperiment(experiment, binary, store);
    const { choice, migration, workload } = run?.measurement ?? {};
    expect(choice?.method).toMatch(patched ? /^pre-copy/ : /^hybrid, intelligent-hybrid$/);
    expect(choice?.reason).toMatch(patched ? /is predicted to cost least/ : /^Its workload is nei/);
    expect(choice?.tookMs).toBeGreaterThan(1000);
    expect(migration).toMatchObject({ outcome: 'completed' });
    // The clock of the workload goes on while the guest is measured.
    expect(workload?.migrationBeganMs).toBeGreaterThan(choice?.tookMs ?? 0);
    expect(csvOf(store.runs())).toMatch(/chosen_method.*(pre-copy|hybrid)/s);
  });

  it('stops a migration whose first pass takes too long', async (context) => {
    const { binary } = needLabQemu(context);
    // At 20 Mbit/s it would take 16 s and more.
    const slow = 'links: [{ megabitsPerSecond: 20 }]\nconvergeSeconds: 2\nsink: true';
    const experiment = experimentOf(`${idle}\nmethods: [plain]\n${slow}`);
    const [run] = await measureExperiment(experiment, binary, newStore(context));
    expect(run && stoppedBy(run.measurement)).toBe('limit');
    const { totalMs = 0, bytes } = run?.measurement.migration ?? {};
    expect(totalMs).toBeGreaterThanOrEqual(2000);
    // What was left was sent faster than by this link.
    expect(totalMs).toBeLessThan((8 * (bytes?.total ?? 0)) / 20_000);
  });

  it('can be interrupted during a migration, and leaves nothing behind', async (context) => {
    const { binary } = needLabQemu(context);
    const experiment = experimentOf(`${idle}\nmethods: [plain]\nlinks: [{ megabitsPerSecond: 1 }]`);
    const store = newStore(context);
    const stop = new AbortController();
    // At 1 Mbit/s it takes minutes.
    const watch = { onProgress: () => stop.abort() };
    const running = { binary, accelerator: 'tcg', experiment, catalogue: builtIn, watch } as const;
    const measure = measureWith(running);
    const ended = measureRuns({ experiment, store, signal: stop.signal, measure });
    await expect(ended).rejects.toThrow(InterruptedError);
    expect(stop.signal.aborted).toBe(true);
    expect(store.runs()).toEqual([]);
    expect(leftBehind()).toEqual([]);
  });

  it.for(methods.filter(() => long).map(({ name }) => name))(
    'migrates a busy guest with %s',
    async (method, context) => {
      const { binary, patched } = needLabQemu(context);
      if (!patched) context.skip('needs what "fakedirty qemu build" builds');
      const busy =
        'workloads: [{ name: flip-flop, options: { share: 0.2, pagesPerSecond: 20000 } }]';
      const experiment = experimentOf(`${busy}\nmethods: [${method}]\nconvergeSeconds: 20`);
      const [run] = await measureExperiment(experiment, binary, newStore(context));
      expect(run?.measurement.workload.checks).toMatchObject([{ wrong: 0 }]);
    },
  );
});
