// A workload whose part outside the guest reports, without a guest: shells stand in for the program.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, type TestContext } from 'vitest';
import { builtIn } from '../../../lib/lab/catalogue/built-in.js';
import type { LinuxControl } from '../../../lib/lab/guest/linux-control.js';
import { LinuxWorkloadRun } from '../../../lib/lab/workloads/linux-workload-run.js';

const environment = { memoryBytes: 1 << 28, processors: 1, address: '10.77.0.100', seed: 1 };

/** A guest that starts what it is told to, and does not end. */
const control = {
  onMessage: () => () => {},
  send: () => {},
  next: (type: string) => (type === 'exit' ? new Promise(() => {}) : Promise.resolve({ type })),
} as unknown as LinuxControl;

function newDirectory({ onTestFinished }: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

function startWith(script: string): Promise<LinuxWorkloadRun> {
  const client = { name: 'client', prefix: ['sh', '-c', script], address: null };
  const workload = builtIn.workload('memcached');
  return LinuxWorkloadRun.start({ workload, options: {}, environment, control, client });
}

function report(operations: number, maxUs: number): string {
  const numbers = { atMs: 1, operations, p50Us: 1, p99Us: maxUs, maxUs };
  return `echo '${JSON.stringify({ type: 'report', ...numbers })}'`;
}

async function untilReports(work: LinuxWorkloadRun, count: number): Promise<void> {
  while (work.reports.length < count) await delay(10);
}

it('reports no latency that comes from the lab keeping the guest paused', async (context) => {
  const directory = newDirectory(context);
  const flag = (name: string) => join(directory, name);
  const until = (name: string) => `until [ -e ${flag(name)} ]; do sleep 0.02; done`;
  // Each of the connections may have waited for an answer, and hears of it at its own time.
  const waited = 100_000_000;
  const work = await startWith(
    [
      ...[report(5, 7), until('held'), report(5, 7), until('let-go')],
      ...[report(6, waited), report(7, waited), report(8, 1), 'sleep 60'],
    ].join('; '),
  );
  try {
    work.pauseClock();
    writeFileSync(flag('held'), '');
    await untilReports(work, 2);
    work.resumeClock();
    await delay(5);
    writeFileSync(flag('let-go'), '');
    await untilReports(work, 5);
    expect(work.reports.map(({ operations, p99Us, maxUs }) => [operations, p99Us, maxUs])).toEqual([
      [5, 7, 7],
      [5, null, null],
      [6, null, null],
      [7, null, null],
      [8, 1, 1],
    ]);
  } finally {
    work.abandon();
  }
});

it.for([
  ['without a check', '', /ended outside without a check \(exit code 3\): out of luck/],
  [
    'though its check found nothing',
    `echo '{"type":"check","what":"keys","checked":9,"wrong":0}'`,
    /ended outside by itself \(exit code 3\): out of luck/,
  ],
] as const)('reports why it ended by itself, %s', async ([, check, message], context) => {
  const directory = newDirectory(context);
  const go = join(directory, 'go');
  const work = await startWith(
    `${report(5, 7)}; until [ -e ${go} ]; do sleep 0.02; done; echo out of luck; ${check || ':'}; exit 3`,
  );
  const { signal } = new AbortController();
  const more = work.untilProgress('operations', { minMs: 60_000, signal });
  expect(existsSync(go)).toBe(false);
  writeFileSync(go, '');
  await more;
  await expect(work.stop()).rejects.toThrow(message);
});

it('reports its check when that says why it ended', async (context) => {
  const go = join(newDirectory(context), 'go');
  const check = `echo '{"type":"check","what":"keys","checked":9,"wrong":4}'`;
  const work = await startWith(
    `${report(5, 7)}; until [ -e ${go} ]; do sleep 0.02; done; ${check}; exit 1`,
  );
  const { signal } = new AbortController();
  const more = work.untilProgress('operations', { minMs: 60_000, signal });
  writeFileSync(go, '');
  await more;
  const stopped = work.stop();
  // The part in the guest goes on: nobody stops it here.
  const said = await Promise.race([stopped, delay(500).then(() => 'the guest is being stopped')]);
  expect(said).toBe('the guest is being stopped');
  work.abandon();
});
