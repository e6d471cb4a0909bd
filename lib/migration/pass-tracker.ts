// Derives passes from answers to query-migrate, however often QEMU was asked. Pure.
import type { FakeDirtyInfo, FakeDirtyPass } from '../qmp/schema/fake-dirty.js';
import type { MigrationInfo } from '../qmp/schema/migration.js';
import type { FilterTotals, Pass, PassVerdicts } from './pass.js';

export interface Sample {
  /** Since the migration began. */
  readonly elapsedMs: number;
  /** When the last pass ended, where an event has told that. */
  readonly passEndedMs?: number | undefined;
  readonly info: MigrationInfo;
}

type Ram = NonNullable<MigrationInfo['ram']>;
type Counted = Omit<FakeDirtyPass, 'pass'>;

const bitsPerByte = 8;

function verdictsOf(counted: readonly Counted[]): PassVerdicts {
  const sum = (member: keyof Counted) =>
    counted.reduce((total, one) => total + Number(one[member] ?? 0), 0);
  return {
    checked: sum('checked'),
    first: sum('first'),
    zero: sum('zero'),
    changed: sum('changed'),
    unchanged: sum('unchanged'),
    unseen: sum('unseen'),
    savedBytes: sum('bytes-saved'),
    filterNs: sum('time-ns'),
  };
}

function combined(
  one: PassVerdicts,
  other: PassVerdicts,
  combine: (one: number, other: number) => number,
): PassVerdicts {
  const members = Object.keys(one) as (keyof PassVerdicts)[];
  const entries = members.map((member) => [member, combine(one[member], other[member])]);
  return Object.fromEntries(entries) as PassVerdicts;
}

export function filterTotals(info: FakeDirtyInfo): FilterTotals {
  return {
    hash: info.hash,
    verify: info.verify,
    tableBytes: info['table-bytes'],
    falseSkips: info['false-skips'],
    ...verdictsOf([info]),
  };
}

/** Pages that were sent in any form. */
function sentPages({ ram, 'xbzrle-cache': xbzrle }: MigrationInfo): number {
  const { normal = 0, duplicate = 0 } = ram ?? {};
  return normal + duplicate + (xbzrle?.pages ?? 0);
}

/** Those that are done with: sent, or found to be unchanged. */
function donePages(info: MigrationInfo): number {
  return sentPages(info) + (info['fake-dirty']?.unchanged ?? 0);
}

function pagesOf(bytes: number, ram: Ram): number {
  return Math.ceil(bytes / ram['page-size']);
}

/** QEMU's counters where the pass that is under way began. */
interface Beginning {
  readonly elapsedMs: number;
  readonly syncs: number;
  readonly transferred: number;
  readonly normal: number;
  readonly zero: number;
  readonly phase: Pass['phase'];
  readonly sentPages: number;
  /** How many will be done with when it ends; undefined where it is not known. */
  readonly donePagesAtEnd: number | undefined;
}

/** How a pass ended, which QEMU is asked some time after that. */
interface Boundary {
  readonly dirtyPages: number;
  /** Of what was sent since the last boundary, what belongs to the next pass. */
  readonly laterShare: number;
}

interface Ended {
  readonly ram: Ram;
  readonly isEnd: boolean;
  readonly next: Beginning;
  readonly boundary: Boundary;
  readonly verdicts: PassVerdicts | undefined;
}

const beginning: Beginning = {
  elapsedMs: 0,
  // The first sync comes before the first walk.
  syncs: 1,
  transferred: 0,
  normal: 0,
  zero: 0,
  phase: 'pre-copy',
  sentPages: 0,
  donePagesAtEnd: undefined,
};

export class PassTracker {
  #from = beginning;
  #last: Sample | undefined;
  #filterSyncs = 1;
  /** What the filter said in the passes that have been handed out. */
  #told: PassVerdicts = verdictsOf([]);

  /**
   * `sawBeginning`: false for whoever comes to a migration that runs already. `earlier`: the passes that somebody else
   * saw from the beginning on; the next one follows them.
   */
  constructor(
    private readonly sawBeginning = true,
    private readonly earlier: readonly Pass[] = [],
  ) {}

  /** The last sample that had figures: QEMU has none of a migration that failed. */
  get last(): Sample | undefined {
    return this.#last;
  }

  /** The pass that has ended since the sample before, if one has. */
  add(sample: Sample): Pass | undefined {
    const { ram, status = 'none' } = sample.info;
    if (!ram) return undefined;
    const isEnd = status === 'completed';
    if (!this.#last) this.#begin(sample, ram);
    this.#last = sample;
    const syncs = ram['dirty-sync-count'];
    if (!isEnd && syncs <= this.#from.syncs) return undefined;
    const filter = sample.info['fake-dirty'];
    const verdicts = filter && this.#verdicts(filter, syncs, isEnd);
    const boundary = isEnd ? { dirtyPages: 0, laterShare: 0 } : this.#boundary(sample.info, ram);
    const next = this.#next(sample, ram, boundary);
    const pass = this.#pass(sample, { ram, isEnd, next, boundary, verdicts });
    this.#from = next;
    return pass;
  }

  #begin(sample: Sample, ram: Ram): void {
    if (this.earlier.length > 0) this.#goOn(this.earlier, ram);
    else if (this.sawBeginning)
      this.#from = { ...beginning, donePagesAtEnd: pagesOf(ram.total, ram) };
    else this.#beginLate(sample, ram);
  }

  /** The counters of QEMU are the sums of all passes. */
  #goOn(earlier: readonly Pass[], ram: Ram): void {
    const sum = (count: (pass: Pass) => number) =>
      earlier.reduce((total, pass) => total + count(pass), 0);
    const { number, endMs = 0 } = earlier.at(-1) ?? { number: 0 };
    this.#filterSyncs = number + 1;
    this.#told = earlier
      .flatMap(({ verdicts }) => verdicts ?? [])
      .reduce((one, other) => combined(one, other, (told, more) => told + more), this.#told);
    const normal = sum(({ normalPages }) => normalPages);
    const zero = sum(({ zeroPages }) => zeroPages);
    const transferred = Math.min(
      ram.transferred,
      sum(({ sentBytes }) => sentBytes),
    );
    const counted = { transferred, normal, zero, sentPages: normal + zero };
    this.#from = { ...beginning, elapsedMs: endMs, syncs: number + 1, ...counted };
  }

  #beginLate({ elapsedMs, info }: Sample, ram: Ram): void {
    const { 'fake-dirty': filter } = info;
    const syncs = ram['dirty-sync-count'];
    if (syncs <= 1) return;
    this.#filterSyncs = syncs;
    if (filter) this.#told = verdictsOf([filter]);
    const { transferred, normal, duplicate: zero } = ram;
    const donePagesAtEnd = donePages(info) + pagesOf(ram.remaining, ram);
    const counted = { transferred, normal, zero, sentPages: sentPages(info), donePagesAtEnd };
    this.#from = { ...this.#from, elapsedMs, syncs, ...counted };
  }

  /**
   * By the time that QEMU is asked, some of the next pass has been sent. But what is done with and what is left make
   * the same sum all through a pass, and it is what will be done with when the pass ends.
   */
  #boundary(info: MigrationInfo, ram: Ram): Boundary {
    const left = pagesOf(ram.remaining, ram);
    const { sentPages: before, donePagesAtEnd, syncs } = this.#from;
    const [sent, done] = [sentPages(info), donePages(info)];
    if (donePagesAtEnd === undefined || info.status?.startsWith('postcopy')) {
      return { dirtyPages: left, laterShare: 0 };
    }
    const passes = ram['dirty-sync-count'] - syncs;
    const marked = Math.round((done + left - donePagesAtEnd) / passes);
    const dirtyPages = Math.min(pagesOf(ram.total, ram), Math.max(left, marked));
    // Unchanged pages take no time: in a moment a great many of them may have been passed over.
    const unchanged = (info['fake-dirty']?.unchanged ?? 0) - this.#told.unchanged;
    const later = Math.max(0, dirtyPages - left - unchanged);
    return { dirtyPages, laterShare: sent > before ? Math.min(1, later / (sent - before)) : 0 };
  }

  #next(
    { elapsedMs, passEndedMs = elapsedMs, info }: Sample,
    ram: Ram,
    { laterShare }: Boundary,
  ): Beginning {
    const from = this.#from;
    const atEnd = (now: number, before: number) =>
      now - Math.round(laterShare * Math.max(0, now - before));
    return {
      elapsedMs: Math.min(elapsedMs, Math.max(from.elapsedMs, passEndedMs)),
      syncs: ram['dirty-sync-count'],
      transferred: atEnd(ram.transferred, from.transferred),
      normal: atEnd(ram.normal, from.normal),
      zero: atEnd(ram.duplicate, from.zero),
      phase: info.status?.startsWith('postcopy') ? 'post-copy' : 'pre-copy',
      sentPages: atEnd(sentPages(info), from.sentPages),
      donePagesAtEnd: donePages(info) + pagesOf(ram.remaining, ram),
    };
  }

  #pass({ elapsedMs, info }: Sample, { ram, isEnd, next, boundary, verdicts }: Ended): Pass {
    const from = this.#from;
    const syncs = Math.max(ram['dirty-sync-count'], from.syncs + (isEnd ? 1 : 0));
    const endMs = isEnd ? elapsedMs : next.elapsedMs;
    const sentBytes = Math.max(0, next.transferred - from.transferred);
    const seconds = Math.max(1, endMs - from.elapsedMs) / 1000;
    const atTheEnd = ram['postcopy-bytes'] ? 'post-copy' : 'stop-and-copy';
    const filter = info['fake-dirty'];
    return {
      number: syncs - 1,
      merged: syncs - from.syncs,
      phase: isEnd ? atTheEnd : from.phase,
      startMs: from.elapsedMs,
      endMs,
      sentBytes,
      normalPages: Math.max(0, next.normal - from.normal),
      zeroPages: Math.max(0, next.zero - from.zero),
      dirtyPages: boundary.dirtyPages,
      throttlePercent: info['cpu-throttle-percentage'] ?? 0,
      linkBytesPerSecond:
        filter?.bandwidth || (ram.mbps * 1e6) / bitsPerByte || sentBytes / seconds,
      ...(verdicts ? { verdicts } : {}),
    };
  }

  /** QEMU keeps the figures of the last 16 passes that have ended; of the one that goes on, only in its sum. */
  #verdicts(filter: FakeDirtyInfo, syncs: number, isEnd: boolean): PassVerdicts {
    const ended = filter.passes.filter(({ pass }) => pass > this.#filterSyncs && pass <= syncs);
    this.#filterSyncs = syncs;
    const counts = isEnd
      ? combined(verdictsOf([filter]), this.#told, (all, told) => Math.max(0, all - told))
      : verdictsOf(ended);
    this.#told = combined(this.#told, counts, (told, more) => told + more);
    return counts;
  }
}
