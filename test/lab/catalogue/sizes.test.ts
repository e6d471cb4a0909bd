// Whether the memory that workloads fill fits into the guests of an experiment.

import { describe, expect, it } from 'vitest';
import { mebibyte } from '../../../lib/format/bytes.js';
import { builtIn } from '../../../lib/lab/catalogue/built-in.js';
import { ExperimentError, parseExperiment } from '../../../lib/lab/catalogue/experiment-file.js';

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

describe('the memory that a workload fills', () => {
  it.for([
    { name: 'bare-random', option: 'bytes', sizes: '1024, 256', min: 256, max: 267_386_880 },
    { name: 'bare-random', option: 'bytes', sizes: '3500, 8192', min: 8192, max: 3_220_176_896 },
    { name: 'working-set', option: 'bytes', sizes: '1024, 512', min: 512, max: 402_653_184 },
    { name: 'quicksort', option: 'bytes', sizes: '256, 1024', min: 256, max: 201_326_592 },
    { name: 'ycsb-a', option: 'records', sizes: '256, 1024', min: 256, max: 167_772 },
    { name: 'ycsb-d', option: 'records', sizes: '512, 1024', min: 512, max: 167_772 },
    { name: 'memcached', option: 'keys', sizes: '256, 1024', min: 256, max: 93_206 },
  ])('has to fit into every memory size: $name in $sizes MiB', ({ name, option, ...rest }) => {
    const { sizes, min, max } = rest;
    expect(problemsOf(name, `${option}: ${max}`, sizes)).toEqual([]);
    const problem = `line 4: workloads.1: ${option}: ${max + 1} do not fit into a guest of ${min} MiB; at most ${max} do: `;
    expect(problemsOf(name, `${option}: ${max + 1}`, sizes)).toEqual([
      expect.stringContaining(problem),
    ]);
  });

  it('is reported for every memory size that it does not fit into, together with other problems', () => {
    const wrong = 'links: [{ lossPercent: 101 }]';
    expect(problemsOf('idle', 'bytes: 900000000', '256, 512, 2048', wrong)).toEqual([
      expect.stringContaining('links.0'),
      expect.stringContaining('256 MiB'),
      expect.stringContaining('512 MiB'),
    ]);
  });

  it('is reported once if the problem does not depend on the memory size', () => {
    expect(problemsOf('idle', 'pages: 3', '256, 512')).toEqual([expect.stringContaining('pages')]);
  });

  it('is at least one page, or one key for each connection', () => {
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
    'ends below the addresses of devices in a bare guest of %i MiB',
    ([memoryMiB, pages]) => {
      expect(wordsOf('bare-rewrite', memoryMiB)).toContain(`pages=${pages}`);
    },
  );

  it.for([
    [1024, 279_620],
    [16384, 600_000],
  ] as const)(
    'is limited to the keys of memcached that are set and read in time: %i MiB',
    ([memoryMiB, keys]) => {
      expect(wordsOf('memcached', memoryMiB)).toContain(`keys=${keys}`);
    },
  );
});
