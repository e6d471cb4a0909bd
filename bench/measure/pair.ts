// Times two sides that take turns on the same memory, in one process.
//
// A turn is short (a few milliseconds at most), and the side that begins changes each time. What is kept is
// the median over all turns of the two sides' quotient, and of their difference: a slow moment spoils one
// turn, a slow minute slows both sides.
import { createRequire } from 'node:module';
import { algorithmNames, algorithms } from '../../lib/fingerprint/algorithms.js';
import type { Hasher } from '../../lib/fingerprint/hasher.js';
import { median } from '../../lib/statistics/samples.js';
import { fillPages } from '../contents.js';
import { findImplementation } from '../implementations/all.js';
import { hasherOf } from '../implementations/fakedirty.js';
import { takesBatches } from '../implementations/implementation.js';
import type { PairAnswer, PairJob, Place, Side } from './jobs.js';
import { warmUp } from './warm-up.js';

/** Names the compiled native/bench/binding_probe.c. */
export const probeVariable = 'FAKEDIRTY_BENCH_PROBE';

const pageSizeBytes = 4096;
const mib = 1024 * 1024;
const cacheBytes = 512 * 1024;
const memoryBytes = 256 * mib;
const minTurns = 9;
const minTurnNs = 1e6;

interface Probe {
  allocate(bytes: number): ArrayBuffer;
  run(
    algorithm: number,
    pageSizeBytes: number,
    pages: Uint8Array,
    pagesPerCall: number,
    passes: number,
  ): number;
}

/** Hashes a window so many times; returns the nanoseconds that took. */
type Timed = (window: Buffer, passes: number) => number;

let loaded: Probe | undefined;

function probe(): Probe {
  const path = process.env[probeVariable];
  if (path === undefined) throw new Error(`${probeVariable} is not set: use npm run bench`);
  loaded ??= createRequire(import.meta.url)(path) as Probe;
  return loaded;
}

function pieces(window: Buffer, pagesPerCall: number): Buffer[] {
  const bytes = pagesPerCall * pageSizeBytes;
  return Array.from({ length: window.length / bytes }, (_, index) =>
    window.subarray(index * bytes, (index + 1) * bytes),
  );
}

function timedCalls(pagesPerCall: number, call: (bytes: Buffer) => unknown): Timed {
  const known = new Map<string, Buffer[]>();
  return (window, passes) => {
    const where = `${window.byteOffset} ${window.length}`;
    const calls = known.get(where) ?? pieces(window, pagesPerCall);
    known.set(where, calls);
    const start = process.hrtime.bigint();
    for (let pass = 0; pass < passes; pass += 1) for (const bytes of calls) call(bytes);
    return Number(process.hrtime.bigint() - start);
  };
}

function timedRanges(hasher: Hasher, pages: number, digests: Buffer): Timed {
  return (window, passes) => {
    const all = window.length / pageSizeBytes;
    const start = process.hrtime.bigint();
    for (let pass = 0; pass < passes; pass += 1) {
      for (let first = 0; first < all; first += pages) {
        hasher.fingerprint(window, { into: digests, first, pages });
      }
    }
    return Number(process.hrtime.bigint() - start);
  };
}

function timed(side: Side): Timed {
  if (side.call === 'native') {
    const number = algorithmNames.indexOf(side.algorithm);
    return (window, passes) =>
      probe().run(number, pageSizeBytes, window, side.pagesPerCall, passes);
  }
  if (side.call === 'package') {
    const implementation = findImplementation(side.implementation);
    const { call } = implementation.prepare(pageSizeBytes);
    return timedCalls(takesBatches(implementation.mode) ? 64 : 1, call);
  }
  const { algorithm, pagesPerCall, reuseDigests, inRanges } = side;
  const keyed = algorithms().some(({ name, keyed }) => name === algorithm && keyed);
  const hasher = hasherOf(algorithm, keyed, pageSizeBytes);
  if (!reuseDigests) return timedCalls(pagesPerCall, (bytes) => hasher.fingerprint(bytes));
  const digests = Buffer.alloc(pagesPerCall * hasher.digestBytes);
  const options = { into: digests };
  return inRanges
    ? timedRanges(hasher, pagesPerCall, digests)
    : timedCalls(pagesPerCall, (bytes) => hasher.fingerprint(bytes, options));
}

/** Like a guest's memory where the probe is there: huge pages, if the machine has them. */
function windowsOf(place: Place, windowBytes: number): Buffer[] {
  const bytes = place === 'cache' ? cacheBytes : memoryBytes;
  const memory = Buffer.from(
    process.env[probeVariable] === undefined ? new ArrayBuffer(bytes) : probe().allocate(bytes),
  );
  fillPages(memory, 'random', pageSizeBytes);
  return pieces(memory, windowBytes / pageSizeBytes);
}

/** Long turns, as the first call of each finds its code out of the caches; shorter where a side is slow. */
function windowBytesOf({ ours, other, place }: PairJob): number {
  if (place === 'cache') return cacheBytes;
  return ours.call === 'native' || other.call === 'native' ? 16 * mib : mib / 2;
}

export async function measurePair(job: PairJob): Promise<PairAnswer> {
  const windows = windowsOf(job.place, windowBytesOf(job));
  const sides = [timed(job.ours), timed(job.other)] as const;
  const first = windows[0] ?? Buffer.alloc(0);
  // On little memory, so that there are many calls.
  const little = first.subarray(0, cacheBytes);
  for (const side of [...sides, ...sides]) await warmUp(() => side(little, 1));
  // So many passes that the faster side's turn is long enough.
  const fasterNs = Math.min(...sides.map((side) => side(first, 1)));
  const passes = job.place === 'memory' ? 1 : Math.max(1, Math.ceil(minTurnNs / fasterNs));
  const pagesPerTurn = (passes * first.length) / pageSizeBytes;
  const ratios: number[] = [];
  const differences: number[] = [];
  const end = performance.now() + job.samplingMs;
  for (let turn = 0; turn < minTurns || performance.now() < end; turn += 1) {
    // Half of the memory apart: neither finds in a cache what the other has just read.
    const half = windows.length >> 1;
    const mine = windows[turn % windows.length] ?? first;
    const theirs = windows[(turn + half) % windows.length] ?? first;
    const oursFirst = turn % 2 === 0;
    const early = oursFirst ? sides[0](mine, passes) : sides[1](theirs, passes);
    const late = oursFirst ? sides[1](theirs, passes) : sides[0](mine, passes);
    const [oursNs, otherNs] = oursFirst ? [early, late] : [late, early];
    ratios.push(otherNs / oursNs);
    differences.push((oursNs - otherNs) / pagesPerTurn);
  }
  return { ratio: median(ratios), moreNsPerPage: median(differences) };
}
