// Results as runs leave them, for tests of tables, figures and reports.

import { builtIn } from '../../lib/lab/catalogue/built-in.js';
import { Catalogue } from '../../lib/lab/catalogue/catalogue.js';
import { experimentSchema, settingsOf } from '../../lib/lab/model/experiment.js';
import { linkSchema } from '../../lib/lab/model/link.js';
import { type Measurement, runFormat } from '../../lib/lab/model/run.js';
import type { CellSummary } from '../../lib/lab/report/summary.js';
import { machineFacts } from '../../lib/lab/run/machine-facts.js';
import { timeLimit } from '../../lib/lab/run/time-limit.js';
import type { Policy } from '../../lib/migration/decision.js';

export const experimentText = `
name: small
seed: 7
rounds: 2
warmUps: 1
workloads:
  - idle
  - name: working-set
    options: { share: 0.25 }
memoryMiB: [256, 512]
methods: [plain, filter]
retries: 1
`;

const experiment = experimentSchema.parse({
  name: 'small',
  workloads: ['idle'],
  memoryMiB: [256],
  methods: ['plain'],
});

export const methods = ['plain', 'xbzrle', 'filter'];

/** A catalogue in which methods have short names. */
export const catalogue = new Catalogue({
  workloads: builtIn.workloads,
  methods: methods.map((name) => ({ ...builtIn.method('plain'), name })),
});

/** The measurement of a migration that took so long and sent so much. */
export function measurementOf(totalMs: number, sentBytes: number): Measurement {
  const counts = { checked: 3000, first: 1000, zero: 500, changed: 600, unchanged: 900, unseen: 0 };
  const verdicts = { ...counts, savedBytes: 900 * 4096, filterNs: 1e6 };
  const began = 1000;
  const pass = (number: number, share: number, dirtyPages: number) => ({
    number,
    merged: 1,
    phase: number === 1 ? ('pre-copy' as const) : ('stop-and-copy' as const),
    startMs: ((number - 1) * totalMs) / 2,
    endMs: (number * totalMs) / 2,
    sentBytes: sentBytes * share,
    normalPages: 1000,
    zeroPages: 10,
    dirtyPages,
    throttlePercent: 0,
    linkBytesPerSecond: 1e8,
    verdicts,
  });
  return {
    hosts: 'namespaces of this machine, a switch between them: 1000 Mbit/s',
    accelerator: 'tcg',
    qemu: '7.2.22',
    kernel: '6.1.0',
    commandLines: { source: ['qemu-system-x86_64', '-S'] },
    migrateOptions: { downtimeLimitMs: 300 },
    migration: {
      outcome: 'completed',
      reason: 'It is done.',
      guest: { where: 'destination', status: 'paused', running: false },
      totalMs,
      downtimeMs: 12,
      bytes: {
        total: sentBytes,
        firstPass: sentBytes * 0.8,
        retransferred: sentBytes * 0.2,
        multifd: 0,
      },
      pages: { normal: 2000, zero: 20 },
      passes: [pass(1, 0.8, 900), pass(2, 0.2, 0)],
      filter: { hash: 'ph128', verify: false, tableBytes: 1e6, falseSkips: 0, ...verdicts },
      dirtyPagesPerSecond: 1000,
      throttlePercent: 0,
      policyEvaluations: [],
    },
    workload: {
      operation: 'pages written',
      migrationBeganMs: began,
      migrationEndedMs: began + totalMs,
      reports: Array.from({ length: 40 }, (_, at) => ({
        receivedMs: at * 100,
        atMs: at * 100,
        operations: 100 * at - 50 * Math.min(Math.max(at - 10, 0), 10),
        p50Us: 1,
        p99Us: 2,
        maxUs: at === 15 ? 12_000 : 3,
      })),
      checks: [{ what: 'words', checked: 100, wrong: 0 }],
    },
    memory: { pages: 65536, differentPages: 0 },
    consoles: {},
  };
}

const limitMs = 8000;

/** The measurement with what a policy decides early and late in the migration. */
export function decidedBy(policy: Policy, measurement: Measurement): Measurement {
  const { passes } = measurement.migration;
  const context = { ramBytes: 1 << 28, pageBytes: 4096, downtimeLimitMs: 300 };
  const policyEvaluations = [100, limitMs].map((elapsedMs, at) => {
    const observation = {
      ...{ ...context, bandwidthLimitBytesPerSecond: 0, postcopyPossible: false },
      ...{ elapsedMs, passes: passes.slice(0, 2 * at) },
    };
    return { elapsedMs, endedPasses: 2 * at, decision: policy(observation) };
  });
  return { ...measurement, migration: { ...measurement.migration, policyEvaluations } };
}

/** The measurement of a migration that was stopped at the limit. */
export function outOfTime(measurement: Measurement): Measurement {
  return decidedBy(timeLimit(limitMs), measurement);
}

/** A cell with one round for each measurement. */
export function cellOf(method: string, measurements: readonly Measurement[]): CellSummary {
  const workload = { name: 'idle', options: {} };
  const cell = { workload, memoryMiB: 256, method, link: linkSchema.parse({}) };
  const runs = measurements.map((measurement, at) => ({
    format: runFormat,
    id: `idle-256m-${method}-r${at + 1}`,
    experiment: 'small',
    settings: settingsOf(experiment),
    ...{ cell, cellKey: method, round: at + 1, warmUp: false, seed: at },
    startedAt: '2026-01-01T00:00:00.000Z',
    tookMs: 1000,
    machine: machineFacts(),
    disturbances: [],
    failures: [],
    measurement,
  }));
  return { cell, cellKey: method, runs, failures: 0 };
}
