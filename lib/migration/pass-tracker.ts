// Makes passes of answers to query-migrate, however often QEMU was asked. Pure.
import type { FakeDirtyInfo, FakeDirtyPass } from '../qmp/schema/fake-dirty.js';
import type { MigrationInfo } from '../qmp/schema/migration.js';
import type { FilterTotals, Pass, VerdictCounts } from './pass.js';

export interface Sample {
  /** Since the migration began. */
  readonly elapsedMs: number;
  readonly info: MigrationInfo;
}

type Ram = NonNullable<MigrationInfo['ram']>;
type Counted = Omit<FakeDirtyPass, 'pass'>;

const bitsPerByte = 8;

function verdictCounts(counted: readonly Counted[]): VerdictCounts {
  const sum = (member: keyof Counted) =>
    counted.reduce((total, one) => total + Number(one[member]), 0);
  return {
    checked: sum('checked'),
    first: sum('first'),
    zero: sum('zero'),
    changed: sum('changed'),
    unchanged: sum('unchanged'),
    savedBytes: sum('bytes-saved'),
    filterNs: sum('time-ns'),
  };
}

function combined(
  one: VerdictCounts,
  other: VerdictCounts,
  combine: (one: number, other: number) => number,
): VerdictCounts {
  const members = Object.keys(one) as (keyof VerdictCounts)[];
  const entries = members.map((member) => [member, combine(one[member], other[member])]);
  return Object.fromEntries(entries) as VerdictCounts;
}

export function filterTotals(info: FakeDirtyInfo): FilterTotals {
  return {
    hash: info.hash,
    verify: info.verify,
    tableBytes: info['table-bytes'],
    falseSkips: info['false-skips'],
    ...verdictCounts([info]),
  };
}

/** QEMU's counters where the pass that is under way began. */
interface Beginning {
  readonly elapsedMs: number;
  readonly syncs: number;
  readonly transferred: number;
  readonly normal: number;
  readonly zero: number;
  readonly phase: Pass['phase'];
}

const beginning: Beginning = {
  elapsedMs: 0,
  // The first sync comes before the first walk.
  syncs: 1,
  transferred: 0,
  normal: 0,
  zero: 0,
  phase: 'pre-copy',
};

export class PassTracker {
  #from = beginning;
  #last: Sample | undefined;
  #filterSyncs = 1;
  /** What the filter said in the passes that have been handed out. */
  #told: VerdictCounts = verdictCounts([]);

  /** `sawBeginning`: false for whoever comes to a migration that runs already. */
  constructor(private readonly sawBeginning = true) {}

  /** The last sample that had figures: QEMU has none of a migration that failed. */
  get last(): Sample | undefined {
    return this.#last;
  }

  /** The pass that has ended since the sample before, if one has. */
  add(sample: Sample): Pass | undefined {
    const { ram, status = 'none' } = sample.info;
    if (!ram) return undefined;
    const isEnd = status === 'completed';
    if (!this.#last && !this.sawBeginning) this.#beginLate(sample.info, ram);
    this.#last = sample;
    const syncs = ram['dirty-sync-count'];
    if (!isEnd && syncs <= this.#from.syncs) return undefined;
    const pass = this.#pass(sample, ram, isEnd);
    this.#from = {
      elapsedMs: sample.elapsedMs,
      syncs,
      transferred: ram.transferred,
      normal: ram.normal,
      zero: ram.duplicate,
      phase: status.startsWith('postcopy') ? 'post-copy' : 'pre-copy',
    };
    return pass;
  }

  #beginLate({ 'fake-dirty': filter }: MigrationInfo, ram: Ram): void {
    const syncs = ram['dirty-sync-count'];
    if (syncs <= 1) return;
    this.#filterSyncs = syncs;
    if (filter) this.#told = verdictCounts([filter]);
    const { transferred, normal, duplicate: zero } = ram;
    this.#from = { ...this.#from, syncs, transferred, normal, zero };
  }

  #pass({ elapsedMs, info }: Sample, ram: Ram, isEnd: boolean): Pass {
    const from = this.#from;
    const syncs = Math.max(ram['dirty-sync-count'], from.syncs + (isEnd ? 1 : 0));
    const sentBytes = Math.max(0, ram.transferred - from.transferred);
    const seconds = Math.max(1, elapsedMs - from.elapsedMs) / 1000;
    const atTheEnd = ram['postcopy-bytes'] ? 'post-copy' : 'stop-and-copy';
    const filter = info['fake-dirty'];
    const verdicts = filter && this.#verdicts(filter, ram['dirty-sync-count'], isEnd);
    return {
      number: syncs - 1,
      merged: syncs - from.syncs,
      phase: isEnd ? atTheEnd : from.phase,
      startMs: from.elapsedMs,
      endMs: elapsedMs,
      sentBytes,
      normalPages: Math.max(0, ram.normal - from.normal),
      zeroPages: Math.max(0, ram.duplicate - from.zero),
      dirtyPages: isEnd ? 0 : Math.ceil(ram.remaining / ram['page-size']),
      throttlePercent: info['cpu-throttle-percentage'] ?? 0,
      linkBytesPerSecond:
        filter?.bandwidth || (ram.mbps * 1e6) / bitsPerByte || sentBytes / seconds,
      ...(verdicts ? { verdicts } : {}),
    };
  }

  /** QEMU keeps the figures of the last 16 passes that have ended; of the one that goes on, only in its sum. */
  #verdicts(filter: FakeDirtyInfo, syncs: number, isEnd: boolean): VerdictCounts {
    const ended = filter.passes.filter(({ pass }) => pass > this.#filterSyncs && pass <= syncs);
    this.#filterSyncs = syncs;
    const counts = isEnd
      ? combined(verdictCounts([filter]), this.#told, (all, told) => Math.max(0, all - told))
      : verdictCounts(ended);
    this.#told = combined(this.#told, counts, (told, more) => told + more);
    return counts;
  }
}
