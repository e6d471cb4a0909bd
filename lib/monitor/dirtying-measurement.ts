// How a running guest dirties its memory, measured before a migration: by marks, by contents, and what
// of it is fake. Works on any QEMU that has calc-dirty-rate with dirty-bitmap (6.2 and later).

import { stat } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { MemoryFile } from '../fingerprint/memory-file.js';
import { FingerprintTable } from '../fingerprint/table.js';
import { gibibyte, mebibyte } from '../format/bytes.js';
import { MigrationRefusedError } from '../migration/errors.js';
import { ProcessUse } from '../migration/process-use.js';
import type { QmpClient } from '../qmp/client.js';
import { QmpCommandError } from '../qmp/errors.js';

const pageBytes = 4096;
/** The most that every QEMU takes. */
const samplePagesPerGib = 4096;
/** QEMU samples no smaller block. */
const leastSampledBytes = 128 * mebibyte;
const lookMs = 50;
const longestSeconds = 30;
const nothingToSee =
  'Without KVM only contents can be looked at, and this guest is too small for QEMU to sample; put its memory ' +
  'into a shared file (memory-backend-file, share=on) on this machine.';

export interface MeasureOptions {
  /** How long each look takes; default 2 s. There are three, or four where contents are fingerprinted. */
  readonly seconds?: number;
  readonly signal?: AbortSignal;
}

/** A count of pages, and how far it may be off. */
export interface Measured {
  readonly pages: number;
  readonly errorPages: number;
}

export interface DirtyingMeasurement {
  readonly ramBytes: number;
  readonly pageBytes: number;
  readonly seconds: number;
  /** Marked dirty within `seconds`, and within twice that. Undefined without KVM. */
  readonly marked: Measured | undefined;
  readonly markedInTwice: Measured | undefined;
  /** Of other contents after `seconds`; undefined where neither way of looking is possible. */
  readonly changed: Measured | undefined;
  /** Of those, what had other contents after a fraction of that time: how fast it goes where it soon is all. */
  readonly changedSoon?: { readonly pages: number; readonly ms: number } | undefined;
  /** How long a first look at a page takes here, with whatever else this machine does. */
  readonly lookMsPerPage?: number | undefined;
  /** How the contents were looked at: all in place, or a sample by QEMU. */
  readonly contents: 'fingerprints' | 'sample' | 'none';
  /** How many pages were looked at. */
  readonly lookedAtPages: number;
  /** That hold nothing but zeros; known where all were looked at. */
  readonly zeroPages: number | undefined;
  readonly disturbance: {
    readonly totalMs: number;
    /** Of QEMU's own threads for it, where QEMU runs on this machine. */
    readonly qemuCpuMs: number | undefined;
    /** Of this process, fingerprinting. */
    readonly ownCpuMs: number;
  };
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
    waitMs = lookMs;
  }
}

/**
 * Marks within that time. Only with KVM: an emulating QEMU (seen with Debian's 7.2) does not survive this mode of
 * calc-dirty-rate.
 */
async function marks(
  qmp: QmpClient,
  hasKvm: boolean,
  seconds: number,
  signal: AbortSignal | undefined,
): Promise<Measured | undefined> {
  if (!hasKvm) return undefined;
  return measured(await calculate(qmp, 'dirty-bitmap', seconds, signal), seconds);
}

/** QEMU answers whole MiB a second. */
function measured(pagesPerSecond: number, seconds: number, errorPages = 0): Measured {
  const rounding = (mebibyte / pageBytes / 2) * seconds;
  return { pages: pagesPerSecond * seconds, errorPages: Math.hypot(rounding, errorPages) };
}

/** The files that hold all guest memory and can be looked at while the guest runs; none if some is elsewhere. */
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
      // Not in a file, or not in one that is here.
      if (!(error instanceof QmpCommandError) && !(error as NodeJS.ErrnoException).code)
        throw error;
    }
  }
  return bytes >= ramBytes ? files : [];
}

interface Contents {
  readonly changed: number;
  readonly changedSoon: { readonly pages: number; readonly ms: number };
  readonly lookMsPerPage: number;
  readonly zero: number;
  readonly pages: number;
}

const soonMs = 100;

async function pauseUntil(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, ms - performance.now())));
}

/** Fingerprints all memory, soon after that again, and once more when the time is over. */
async function fingerprintThrice(
  paths: readonly string[],
  seconds: number,
  signal: AbortSignal | undefined,
): Promise<Contents> {
  const files = paths.map((path) => new MemoryFile(path));
  const tables = files.map((file) => new FingerprintTable({ pages: file.pages(pageBytes) }));
  const look = async () => {
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
    const { pages } = await look();
    const lookMsPerPage = (performance.now() - firstMs) / Math.max(1, pages);
    await pauseUntil(firstMs + soonMs);
    const secondMs = performance.now();
    const { changed: soon } = await look();
    await pauseUntil(secondMs + seconds * 1000);
    const last = await look();
    return { ...last, changedSoon: { pages: soon, ms: secondMs - firstMs }, lookMsPerPage };
  } finally {
    for (const each of [...files, ...tables]) each.dispose();
  }
}

type LookedAt = Pick<
  DirtyingMeasurement,
  'changed' | 'changedSoon' | 'lookMsPerPage' | 'contents' | 'lookedAtPages' | 'zeroPages'
>;

async function lookAtContents(
  qmp: QmpClient,
  ramBytes: number,
  seconds: number,
  signal: AbortSignal | undefined,
): Promise<LookedAt> {
  const paths = await sharedFiles(qmp, ramBytes);
  if (paths.length > 0) {
    const looks = await fingerprintThrice(paths, seconds, signal);
    const { changed, changedSoon, lookMsPerPage, zero, pages } = looks;
    return {
      changedSoon,
      lookMsPerPage,
      changed: { pages: changed, errorPages: Math.sqrt(changed) },
      contents: 'fingerprints',
      lookedAtPages: pages,
      zeroPages: zero,
    };
  }
  if (ramBytes < leastSampledBytes) {
    return { changed: undefined, contents: 'none', lookedAtPages: 0, zeroPages: undefined };
  }
  const rate = await calculate(qmp, 'page-sampling', seconds, signal);
  const lookedAt = Math.floor((ramBytes / gibibyte) * samplePagesPerGib);
  const share = Math.min(1, (rate * seconds * pageBytes) / ramBytes);
  // Of a share in a sample; of none seen, one may have been missed.
  const error = Math.max(Math.sqrt((share * (1 - share)) / lookedAt), 1 / lookedAt);
  return {
    changed: measured(rate, seconds, (error * ramBytes) / pageBytes),
    contents: 'sample',
    lookedAtPages: lookedAt,
    zeroPages: undefined,
  };
}

function asRefusal(error: unknown): unknown {
  if (!(error instanceof QmpCommandError)) return error;
  return new MigrationRefusedError([
    `This QEMU does not measure how its guest dirties memory: ${error.description}`,
  ]);
}

/** Measures for about four times `seconds`. The guest runs on; nothing is changed. */
export async function measureDirtying(
  qmp: QmpClient,
  { seconds = 2, signal }: MeasureOptions = {},
): Promise<DirtyingMeasurement> {
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > longestSeconds) {
    throw new MigrationRefusedError([
      `"seconds" is ${seconds}; expected a whole number from 1 to ${longestSeconds}.`,
    ]);
  }
  const beganMs = performance.now();
  const cpu = process.cpuUsage();
  const use = await ProcessUse.begin(qmp);
  const memory = await qmp.execute('query-memory-size-summary');
  const ramBytes = memory['base-memory'] + (memory['plugged-memory'] ?? 0);
  try {
    const { enabled: hasKvm } = await qmp.execute('query-kvm');
    const marked = await marks(qmp, hasKvm, seconds, signal);
    const contents = await lookAtContents(qmp, ramBytes, seconds, signal);
    const markedInTwice = await marks(qmp, hasKvm, 2 * seconds, signal);
    if (!marked && !contents.changed) throw new MigrationRefusedError([nothingToSee]);
    use?.look({ force: true });
    const { user, system } = process.cpuUsage(cpu);
    return {
      ramBytes,
      pageBytes,
      seconds,
      marked,
      markedInTwice,
      ...contents,
      disturbance: {
        totalMs: performance.now() - beganMs,
        qemuCpuMs: use?.migrationCpuMs,
        ownCpuMs: (user + system) / 1000,
      },
    };
  } catch (error) {
    throw asRefusal(error);
  }
}
