// What the package is meant to reach, as pairs that are timed side by side.
import type { AlgorithmName } from '../../lib/index.js';
import type { PairJob, Place, Side } from '../measure/jobs.js';
import type { Goal } from '../results/schema.js';

export type GoalJob = Pick<Goal, 'name' | 'kind' | 'bound'> & Omit<PairJob, 'kind' | 'samplingMs'>;

const places: readonly Place[] = ['memory', 'cache'];

function native(algorithm: AlgorithmName, pagesPerCall: number): Side {
  return { call: 'native', algorithm, pagesPerCall };
}

function ours(
  algorithm: AlgorithmName,
  pagesPerCall: number,
  { reuseDigests = false, inRanges = false } = {},
): Side {
  return { call: 'fakedirty', algorithm, pagesPerCall, reuseDigests, inRanges };
}

/**
 * Equal work on both sides: through memory in ranges, digests to the same place again and again. From memory, as the
 * goals of the native benchmark are judged; from cache, with a view for each call, and with new memory for the digests,
 * for information.
 */
function batches(algorithm: AlgorithmName): GoalJob[] {
  const pair = (name: string, side: Side, pages: number, place: Place, bound: number | null) => ({
    name: `${algorithm}, ${name} / native, ${place}`,
    kind: 'ratio' as const,
    bound,
    ours: side,
    other: native(algorithm, pages),
    place,
  });
  const fastest = { reuseDigests: true, inRanges: true };
  return [
    ...[64, 128].flatMap((pages) =>
      places.map((place) => {
        const bound = place === 'memory' ? 0.97 : null;
        return pair(`${pages} pages a call`, ours(algorithm, pages, fastest), pages, place, bound);
      }),
    ),
    pair(
      '64 pages a call, a view each',
      ours(algorithm, 64, { reuseDigests: true }),
      64,
      'memory',
      null,
    ),
    pair('64 pages a call, a view and new digests each', ours(algorithm, 64), 64, 'memory', null),
  ];
}

/** With a new Buffer for each digest: what one gets by just calling. */
function singlePages(algorithm: AlgorithmName): GoalJob {
  return {
    name: `${algorithm}, one page a call - native`,
    kind: 'ns',
    bound: 1000,
    ours: ours(algorithm, 1),
    other: native(algorithm, 1),
    place: 'memory',
  };
}

interface Rival {
  readonly package: 'crc-32' | 'murmurhash3js-revisited' | 'xxhash-addon';
  readonly algorithm: AlgorithmName;
  /** null: shown, not judged. */
  readonly pageByPage: number | null;
  readonly inBatches: number;
}

// A page alone takes less than ten times as long in JavaScript as the call and the kernel do, where the kernel is
// bound by its steps: MurmurHash3 of 32 bits by three dependent cycles for four bytes, CRC-32 by its multiplications.
const rivals: readonly Rival[] = [
  { package: 'crc-32', algorithm: 'crc32', pageByPage: null, inBatches: 10 },
  { package: 'murmurhash3js-revisited', algorithm: 'murmur3-32', pageByPage: null, inBatches: 10 },
  { package: 'murmurhash3js-revisited', algorithm: 'murmur3-128', pageByPage: 10, inBatches: 10 },
  { package: 'xxhash-addon', algorithm: 'xxh3-128', pageByPage: 1.5, inBatches: 5 },
];

/** Judged from cache, where it is the packages that set the pace; from memory, it is the memory. */
function against(rival: Rival): GoalJob[] {
  const { algorithm, package: from, pageByPage, inBatches } = rival;
  const other: Side = {
    call: 'package',
    implementation: { package: from, algorithm, mode: 'page' },
  };
  return places.flatMap((place) => {
    const judged = (bound: number | null) => (place === 'cache' ? bound : null);
    const pair = { kind: 'ratio' as const, other, place };
    return [
      {
        ...pair,
        name: `${algorithm}, page by page / ${from}, ${place}`,
        bound: judged(pageByPage),
        ours: ours(algorithm, 1),
      },
      {
        ...pair,
        name: `${algorithm}, 64 pages a call / ${from}, ${place}`,
        bound: judged(inBatches),
        ours: ours(algorithm, 64),
      },
    ];
  });
}

export function goalJobs(algorithms: readonly AlgorithmName[]): GoalJob[] {
  return [
    ...algorithms.flatMap(batches),
    ...algorithms.map(singlePages),
    ...rivals.filter(({ algorithm }) => algorithms.includes(algorithm)).flatMap(against),
  ];
}
