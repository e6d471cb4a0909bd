// Times one case with benny: a window of pages a turn, from memory that no cache holds.
import { add, suite } from 'benny';
import { median } from '../../lib/statistics/samples.js';
import { fillPages } from '../contents.js';
import { findImplementation } from '../implementations/all.js';
import {
  type Implementation,
  isAsync,
  nameOf,
  takesBatches,
} from '../implementations/implementation.js';
import type { CaseAnswer, CaseJob } from './jobs.js';
import { warmUp } from './warm-up.js';

export const workingSetBytes = 64 * 1024 * 1024;
const windowBytes = 1024 * 1024;
/** Work in the background is cut in slices of 4 MiB: several are needed to keep several threads busy. */
const asyncWindowBytes = 16 * 1024 * 1024;
const turnMs = 1;
const sampleMs = 5;
const minSamples = 5;

/** Background threads read shared memory in place; other memory would be copied for them. */
function makeMemory(shared: boolean): Buffer {
  return shared
    ? Buffer.from(new SharedArrayBuffer(workingSetBytes))
    : Buffer.from(new ArrayBuffer(workingSetBytes));
}

function pieces(bytes: Buffer, pieceBytes: number): Buffer[] {
  return Array.from({ length: bytes.length / pieceBytes }, (_, index) =>
    bytes.subarray(index * pieceBytes, (index + 1) * pieceBytes),
  );
}

/** As many pages as take about a millisecond: a slow hash needs no window of a whole MiB to be timed well. */
async function pagesPerTurn(pages: readonly Buffer[], call: (bytes: Buffer) => unknown) {
  const trials: number[] = [];
  for (const page of pages.slice(0, 5)) {
    const start = performance.now();
    await call(page);
    trials.push(performance.now() - start);
  }
  return Math.min(pages.length, Math.max(1, Math.ceil(turnMs / Math.min(...trials))));
}

/** What benny calls over and over: each turn takes the next window, and calls once for each piece of it. */
function turnOf(
  { mode }: Implementation,
  windows: readonly Buffer[][],
  call: (bytes: Buffer) => unknown,
): () => unknown {
  let at = 0;
  const next = (): Buffer[] => {
    at = (at + 1) % windows.length;
    return windows[at] ?? [];
  };
  if (isAsync(mode)) {
    return async () => {
      for (const bytes of next()) await call(bytes);
    };
  }
  return () => {
    for (const bytes of next()) call(bytes);
  };
}

export async function measureCase(job: CaseJob): Promise<CaseAnswer> {
  const implementation = findImplementation(job.implementation);
  const { pageSizeBytes, samplingMs } = job;
  const batch = takesBatches(implementation.mode);
  const eachBytes = batch && isAsync(implementation.mode) ? asyncWindowBytes : windowBytes;
  const callBytes = batch ? eachBytes : pageSizeBytes;
  const memory = makeMemory(isAsync(implementation.mode));
  fillPages(memory, job.contents, pageSizeBytes);
  const { call } = implementation.prepare(pageSizeBytes);
  const all = pieces(memory, eachBytes).map((window) => pieces(window, callBytes));
  await warmUp(() => call(memory.subarray(0, pageSizeBytes)));
  const callsPerTurn = batch ? 1 : await pagesPerTurn(all[0] ?? [], call);
  const windows = all.map((calls) => calls.slice(0, callsPerTurn));
  const turn = turnOf(implementation, windows, call);
  const name = nameOf(implementation);
  const { results } = await suite(
    name,
    add(name, turn, {
      delay: 0,
      minTime: sampleMs / 1000,
      maxTime: samplingMs / 1000,
      minSamples,
    }),
  );
  const samples = results[0]?.details.sampleResults ?? [];
  if (samples.length === 0) throw new Error('benny took no samples');
  const pagesPerCall = callBytes / pageSizeBytes;
  const nsPerPage = (median(samples) * 1e9) / (callsPerTurn * pagesPerCall);
  return { nsPerPage, pagesPerCall };
}
