// Measures how a running guest dirties its memory: how many pages it marks, and how many really change. Works on
// any QEMU whose calc-dirty-rate has the mode dirty-bitmap (6.2 and later).

import { stat } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { checkOptions, optionNames } from '../errors/check-options.js';
import { quantity } from '../errors/quantity.js';
import { shown } from '../errors/shown.js';
import { option, sentence } from '../errors/wording.js';
import { gibibyte, mebibyte } from '../format/bytes.js';
import { checkClient } from '../qmp/check-client.js';
import type { QmpClient } from '../qmp/client.js';
import { QmpCommandError } from '../qmp/errors.js';
import { ProcessUsage } from '../qmp/process-usage.js';
import { MeasurementError } from './errors.js';

const pageBytes = 4096;
/** The largest number that every QEMU accepts. */
const samplePagesPerGib = 4096;
/** QEMU samples no smaller RAM block. */
const minSampledBytes = 128 * mebibyte;
const pollMs = 50;
const maxSeconds = 30;
const nothingMeasurable =
  'Without KVM only contents can be compared, and this guest is too small for QEMU to sample; put its memory ' +
  'into a shared file of a file system in memory on this machine (QEMU: memory-backend-file, share=on; libvirt: ' +
  '<memoryBacking> with <source type="file"/> and <access mode="shared"/>, and memory_backing_dir in qemu.conf).';

/** How long to measure. */
export interface MeasureOptions {
  /** The length of one measurement, a whole number from 1 to 30; default: 2. All of them take four times as long. */
  readonly seconds?: number | undefined;
  /** Aborting it ends the measuring, with its reason. */
  readonly signal?: AbortSignal | undefined;
}

const names = optionNames<MeasureOptions>({ seconds: true, signal: true });

/** An estimated number of pages. */
export interface PageEstimate {
  /** The estimate. */
  readonly pages: number;
  /** Its standard error, or the error of rounding. */
  readonly errorPages: number;
}

/** What measuring cost. */
export interface MeasurementOverhead {
  /** How long it took. */
  readonly totalMs: number;
  /** CPU time of the threads that QEMU started for it; known where QEMU runs on this machine. */
  readonly qemuCpuMs: number | undefined;
  /** CPU time of this process. */
  readonly ownCpuMs: number;
}

/** How a guest dirties its memory. */
export interface DirtyingMeasurement {
  /** Guest memory, in bytes. */
  readonly ramBytes: number;
  /** The size of a page, in bytes. */
  readonly pageBytes: number;
  /** The length of one measurement. */
  readonly seconds: number;
  /** Pages marked dirty within `seconds`; undefined without KVM. */
  readonly marked: PageEstimate | undefined;
  /** Pages marked dirty within twice `seconds`; undefined without KVM. */
  readonly markedInDoubleTime: PageEstimate | undefined;
  /** Pages whose contents differed after `seconds`; undefined where contents could not be compared. */
  readonly changed: PageEstimate | undefined;
  /** Pages whose contents differed already after `ms`, a fraction of that time; known where all were fingerprinted. */
  readonly changedEarly?: { readonly pages: number; readonly ms: number } | undefined;
  /** How long reading a page for the first time took on this machine; known where all were fingerprinted. */
  readonly scanMsPerPage?: number | undefined;
  /** How contents were compared: by fingerprints of all pages, by a sample of QEMU's, or not at all. */
  readonly contents: 'fingerprints' | 'sample' | 'none';
  /** How many pages were compared. */
  readonly scannedPages: number;
  /** Pages that are all zero; known where all were fingerprinted. */
  readonly zeroPages: number | undefined;
  /** What measuring cost. */
  readonly overhead: MeasurementOverhead;
}

async function calculate(
  qmp: QmpClient,
  mode: 'page-sampling' | 'dirty-bitmap',
  seconds: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  await qmp.execute('calc-dirty-rate', {
    'calc-time': seconds,
    mode,
    ...(mode === 'page-sampling' ? { 'sample-pages': samplePagesPerGib } : {}),
  });
  // QEMU tells nobody when it is done.
  let waitMs = seconds * 1000;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    signal?.throwIfAborted();
    const info = await qmp.execute('query-dirty-rate');
    if (info.status === 'measured') return ((info['dirty-rate'] ?? 0) * mebibyte) / pageBytes;
    waitMs = pollMs;
  }
}

/** Pages marked within that time. Only with KVM: under TCG, this mode of calc-dirty-rate crashes Debian's QEMU 7.2. */
async function countMarked(
  qmp: QmpClient,
  hasKvm: boolean,
  seconds: number,
  signal: AbortSignal | undefined,
): Promise<PageEstimate | undefined> {
  if (!hasKvm) return undefined;
  return estimated(await calculate(qmp, 'dirty-bitmap', seconds, signal), seconds);
}

/** QEMU answers in whole MiB a second. */
function estimated(pagesPerSecond: number, seconds: number, errorPages = 0): PageEstimate {
  const rounding = (mebibyte / pageBytes / 2) * seconds;
  return { pages: pagesPerSecond * seconds, errorPages: Math.hypot(rounding, errorPages) };
}

/** The files that hold all guest memory and can be mapped while the guest runs; none if some of it is elsewhere. */
async function sharedFiles(qmp: QmpClient, ramBytes: number): Promise<string[]> {
  if (!qmp.isLocal) return [];
  const files: string[] = [];
  let bytes = 0;
  for (const { id, share, size } of await qmp.execute('query-memdev')) {
    if (!id || share !== true) continue;
    try {
      const path = await qmp.execute('qom-get', { path: `/objects/${id}`, property: 'mem-path' });
      if (typeof path !== 'string' || (await stat(path)).size !== size) continue;
      files.push(path);
      bytes += size;
    } catch (error) {
      // Not in a file, or not in one on this machine.
      if (!(error instanceof QmpCommandError) && !(error as NodeJS.ErrnoException).code)
        throw error;
    }
  }
  return bytes >= ramBytes ? files : [];
}

interface Contents {
  readonly changed: number;
  readonly changedEarly: { readonly pages: number; readonly ms: number };
  readonly scanMsPerPage: number;
  readonly zero: number;
  readonly pages: number;
}

const earlyMs = 100;

async function pauseUntil(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, ms - performance.now())));
}

/** Fingerprints all memory three times: now, a moment later, and when the time is over. */
async function fingerprintThreeTimes(
  paths: readonly string[],
  seconds: number,
  signal: AbortSignal | undefined,
): Promise<Contents> {
  // Loaded when needed: measuring a QEMU elsewhere needs no native addon.
  const { MemoryFile } = await import('../fingerprint/memory-file.js');
  const { FingerprintTable } = await import('../fingerprint/table.js');
  const files = paths.map((path) => new MemoryFile(path));
  const tables = files.map((file) => new FingerprintTable({ pages: file.pages(pageBytes) }));
  const scan = async () => {
    const contents = { changed: 0, zero: 0, pages: 0 };
    for (const [index, file] of files.entries()) {
      const table = tables[index];
      if (!table) continue;
      signal?.throwIfAborted();
      const { counts } = await file.checkAndCommit(table);
      // A page that became zero has changed too.
      contents.changed += counts.changed + counts.zero;
      contents.zero += table.statistics().slots.zero;
      contents.pages += table.pages;
    }
    return contents;
  };
  try {
    const firstMs = performance.now();
    const { pages } = await scan();
    const scanMsPerPage = (performance.now() - firstMs) / Math.max(1, pages);
    await pauseUntil(firstMs + earlyMs);
    const secondMs = performance.now();
    const { changed: early } = await scan();
    await pauseUntil(secondMs + seconds * 1000);
    const last = await scan();
    return { ...last, changedEarly: { pages: early, ms: secondMs - firstMs }, scanMsPerPage };
  } finally {
    for (const each of [...files, ...tables]) each[Symbol.dispose]();
  }
}

type ScannedContents = Pick<
  DirtyingMeasurement,
  'changed' | 'changedEarly' | 'scanMsPerPage' | 'contents' | 'scannedPages' | 'zeroPages'
>;

async function scanContents(
  qmp: QmpClient,
  ramBytes: number,
  seconds: number,
  signal: AbortSignal | undefined,
): Promise<ScannedContents> {
  const paths = await sharedFiles(qmp, ramBytes);
  if (paths.length > 0) {
    const scans = await fingerprintThreeTimes(paths, seconds, signal);
    const { changed, changedEarly, scanMsPerPage, zero, pages } = scans;
    return {
      changedEarly,
      scanMsPerPage,
      changed: { pages: changed, errorPages: Math.sqrt(changed) },
      contents: 'fingerprints',
      scannedPages: pages,
      zeroPages: zero,
    };
  }
  if (ramBytes < minSampledBytes) {
    return { changed: undefined, contents: 'none', scannedPages: 0, zeroPages: undefined };
  }
  const rate = await calculate(qmp, 'page-sampling', seconds, signal);
  const sampledPages = Math.floor((ramBytes / gibibyte) * samplePagesPerGib);
  const share = Math.min(1, (rate * seconds * pageBytes) / ramBytes);
  // The standard error of a share in a sample; with none seen, one may have been missed.
  const error = Math.max(Math.sqrt((share * (1 - share)) / sampledPages), 1 / sampledPages);
  return {
    changed: estimated(rate, seconds, (error * ramBytes) / pageBytes),
    contents: 'sample',
    scannedPages: sampledPages,
    zeroPages: undefined,
  };
}

function asMeasurementError(error: unknown): unknown {
  if (!(error instanceof QmpCommandError)) return error;
  return new MeasurementError(
    `This QEMU can't measure how its guest dirties memory: ${error.description}`,
  );
}

/** Checks what measuring is given; returns the length of one measurement. */
export function checkMeasuring(qmp: QmpClient, options: MeasureOptions): number {
  checkClient(qmp);
  checkOptions(options, names);
  const { seconds = 2 } = options;
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= maxSeconds) return seconds;
  const given = typeof seconds === 'number' ? quantity('seconds', seconds) : shown(seconds);
  throw new MeasurementError(
    sentence`${option('seconds')}: is ${given}; expected whole seconds, from 1 to ${maxSeconds}.`,
  );
}

/**
 * Measures how a running guest dirties its memory, for about four times `seconds`. The guest goes on running, and nothing
 * is changed. Throws MeasurementError where this QEMU can't be measured.
 */
export async function measureDirtying(
  qmp: QmpClient,
  options: MeasureOptions = {},
): Promise<DirtyingMeasurement> {
  const seconds = checkMeasuring(qmp, options);
  const { signal } = options;
  const beganMs = performance.now();
  const cpu = process.cpuUsage();
  const usage = await ProcessUsage.begin(qmp);
  const memory = await qmp.execute('query-memory-size-summary');
  const ramBytes = memory['base-memory'] + (memory['plugged-memory'] ?? 0);
  try {
    const { enabled: hasKvm } = await qmp.execute('query-kvm');
    const marked = await countMarked(qmp, hasKvm, seconds, signal);
    const contents = await scanContents(qmp, ramBytes, seconds, signal);
    const markedInDoubleTime = await countMarked(qmp, hasKvm, 2 * seconds, signal);
    if (!marked && !contents.changed) throw new MeasurementError(nothingMeasurable);
    usage?.sample({ force: true });
    const { user, system } = process.cpuUsage(cpu);
    return {
      ramBytes,
      pageBytes,
      seconds,
      marked,
      markedInDoubleTime,
      ...contents,
      overhead: {
        totalMs: performance.now() - beganMs,
        qemuCpuMs: usage?.cpuMs,
        ownCpuMs: (user + system) / 1000,
      },
    };
  } catch (error) {
    throw asMeasurementError(error);
  }
}
