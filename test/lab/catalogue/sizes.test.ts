// What workloads fill, in guests of each size that an experiment has.

import { describe, expect, it } from 'vitest';
import { mebibyte } from '../../lib/format/bytes.js';
import { builtIn } from '../../lib/lab/catalogue/built-in.js';
import { ExperimentError, parseExperiment } from '../../lib/lab/catalogue/experiment-file.js';

/** What is wrong with an experiment that has this workload; other lines may follow. */
function problemsOf(workload: string, options: string, memoryMiB: string, lines = '') {
  const text = `name: sizes
workloads:
  - sysbench
  - name: ${workload}
    options: { ${options} }
memoryMiB: [${memoryMiB}]
methods: [plain]
${lines}`;
  try {
    parseExperiment(text, 'sizes.yaml');
    return [];
  } catch (error) {
    if (error instanceof ExperimentError) return error.problems;
    throw error;
  }
}

function wordsOf(name: string, memoryMiB: number, options = {}): readonly string[] {
  const environment = {
    memoryBytes: memoryMiB * mebibyte,
    processors: 1,
    address: '10.0.0.1',
    seed: 1,
  };
  const { inGuest, outside } = builtIn.workload(name).commands(options, environment);
  return [...inGuest, ...(outside?.arguments ?? [])];
}

describe('what a workload fills', () => {
  it.for([
    { name: 'bare-random', option: 'bytes', sizes: '1024, 256', least: 256, most: 267_386_880 },
    { name: 'bare-random', option: 'bytes', sizes: '3500, 8192', least: 8192, most: 3_220_176_896 },
    { name: 'working-set', option: 'bytes', sizes: '1024, 512', least: 512, most: 402_653_184 },
    { name: 'quicksort', option: 'bytes', sizes: '256, 1024', least: 256, most: 201_326_592 },
    { name: 'ycsb-a', option: 'records', sizes: '256, 1024', least: 256, most: 167_772 },
    { name: 'ycsb-d', option: 'records', sizes: '512, 1024', least: 512, most: 167_772 },
    { name: 'memcached', option: 'keys', sizes: '256, 1024', least: 256, most: 93_206 },
  ])('fits into all sizes of memory: $name in $sizes MiB', ({ name, option, ...rest }) => {
    const { sizes, least, most } = rest;
    expect(problemsOf(name, `${option}: ${most}`, sizes)).toEqual([]);
    const problem = `line 4: workloads.1: ${option}: ${most + 1} do not fit into a guest of ${least} MiB, ${most} do: `;
    expect(problemsOf(name, `${option}: ${most + 1}`, sizes)).toEqual([
      expect.stringContaining(problem),
    ]);
  });

  it('is told of every size of memory that has no room for it, beside what else is wrong', () => {
    const wrong = 'links: [{ lossPercent: 101 }]';
    expect(problemsOf('idle', 'bytes: 900000000', '256, 512, 2048', wrong)).toEqual([
      expect.stringContaining('links.0'),
      expect.stringContaining('256 MiB'),
      expect.stringContaining('512 MiB'),
    ]);
  });

  it('is told of once where it is wrong in all sizes of memory', () => {
    expect(problemsOf('idle', 'pages: 3', '256, 512')).toEqual([expect.stringContaining('pages')]);
  });

  it('is a page at least, and a key for each connection', () => {
    expect(problemsOf('working-set', 'bytes: 100', '256')).toEqual([
      expect.stringContaining('4096'),
    ]);
    expect(problemsOf('memcached', 'keys: 2', '256')).toEqual([
      expect.stringContaining('2 are too few for 4 connections'),
    ]);
  });

  it.for([
    [3500, 448_000],
    [3584, 458_752],
    [8192, 786_176],
    [16384, 786_176],
  ] as const)(
    'ends in a bare guest of %i MiB before the addresses of devices',
    ([memoryMiB, pages]) => {
      expect(wordsOf('bare-rewrite', memoryMiB)).toContain(`pages=${pages}`);
    },
  );

  it.for([
    [1024, 279_620],
    [16384, 600_000],
  ] as const)(
    'is as many keys of memcached in %i MiB as are set and got in time',
    ([memoryMiB, keys]) => {
      expect(wordsOf('memcached', memoryMiB)).toContain(`keys=${keys}`);
    },
  );
});
