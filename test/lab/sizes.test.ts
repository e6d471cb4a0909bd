// What workloads fill, in guests of each size.
import { describe, expect, it } from 'vitest';
import { builtIn } from '../../lib/lab/catalogue.js';

const mebibyte = 1 << 20;

function wordsOf(name: string, memoryMiB: number, options = {}): readonly string[] {
  const surroundings = { memoryBytes: memoryMiB * mebibyte, processors: 1, address: '10.0.0.1' };
  const { inGuest, outside } = builtIn.workload(name).commands(options, surroundings);
  return [...inGuest, ...(outside?.arguments ?? [])];
}

describe('what a workload fills', () => {
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
});
