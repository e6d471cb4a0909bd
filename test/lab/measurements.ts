// Results as runs leave them, for tests of what is made of results.
import type { Measurement } from '../../lib/lab/results/run.js';

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

export const methods = ['plain', 'xbzrle', 'filter'];

/** Of a migration that took so long and sent so much. */
export function measurementOf(totalMs: number, sentBytes: number): Measurement {
  const verdicts = { checked: 3000, first: 1000, zero: 500, changed: 600, unchanged: 900 };
  const began = 1000;
  return {
    hosts: 'namespaces of this machine, a switch between them: 1000 Mbit/s',
    accelerator: 'tcg',
    qemu: '7.2.22',
    kernel: '6.1.0',
    commandLines: { source: ['qemu-system-x86_64', '-S'] },
    migration: {
      totalMs,
      downtimeMs: 12,
      sentBytes,
      passes: [
        {
          number: 1,
          startMs: 0,
          endMs: totalMs / 2,
          sentBytes: sentBytes * 0.8,
          dirtyPages: 900,
          verdicts,
        },
        {
          number: 2,
          startMs: totalMs / 2,
          endMs: totalMs,
          sentBytes: sentBytes * 0.2,
          dirtyPages: 0,
        },
      ],
      verdicts,
    },
    workload: {
      operation: 'pages written',
      migrationBeganMs: began,
      migrationEndedMs: began + totalMs,
      reports: Array.from({ length: 40 }, (_, at) => ({
        heardMs: at * 100,
        atMs: at * 100,
        operations: at * (at > 10 && at < 20 ? 50 : 100),
        p50Us: 1,
        p99Us: 2,
        maxUs: at === 15 ? 12_000 : 3,
      })),
      checks: [{ what: 'words', checked: 100, wrong: 0 }],
    },
    memory: { pages: 65536, differentPages: 0 },
  };
}
