// Made-up runs: what a benchmark could have found.

import type { Row, Run } from '../../bench/results/schema.js';
import { pseudoRandom } from '../../lib/lab/plan/order.js';

export function row(changes: Partial<Row> = {}): Row {
  return {
    algorithm: 'ph128',
    package: 'fakedirty',
    mode: 'batch',
    contents: 'random',
    pageSizeBytes: 4096,
    pagesPerCall: 256,
    nsPerPage: [400, 410, 405, 402, 408],
    ...changes,
  };
}

export const sha1Row = row({
  algorithm: 'sha1',
  package: 'node:crypto',
  mode: 'page',
  pagesPerCall: 1,
  nsPerPage: [4000, 4100, 4050],
});

export function run(changes: Partial<Run> = {}): Run {
  return {
    format: 'fakedirty-bench-1',
    startedAt: '2026-01-02T03:04:05.000Z',
    machine: {
      processor: 'Imaginary Processor',
      processors: 2,
      memoryBytes: 2 ** 32,
      system: 'Linux 6.1.0',
      node: '20.0.0',
      fakedirty: '0.1.0',
      target: 'avx2',
    },
    settings: { quick: true, rounds: 5, samplingMs: 50, workingSetBytes: 2 ** 26 },
    rows: [row(), sha1Row],
    goals: [],
    ...changes,
  };
}

/** Rounds of a row that takes about ns, with noise of so large a share (standard deviation). */
export function noisyRounds(ns: number, noise: number, rounds: number, seed: number): number[] {
  const random = pseudoRandom(seed);
  return Array.from({ length: rounds }, () => {
    const normal = Array.from({ length: 12 }, random).reduce((sum, value) => sum + value, -6);
    return ns * Math.exp(noise * normal);
  });
}
