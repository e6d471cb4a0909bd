// The result of a migration, of all that was observed.
import type { Ending } from './controller.js';
import type { Observer } from './observer.js';
import { firstAndRetransferred } from './pass.js';
import { filterTotals } from './pass-tracker.js';
import type { ProcessUse } from './process-use.js';
import type { MigrationResult } from './result.js';
import type { Settled } from './settle.js';

interface Observed {
  readonly ending: Ending;
  readonly settled: Settled;
  readonly observer: Observer;
  readonly use: ProcessUse | undefined;
}

/** The same without the members that are not known. */
function known<T extends object>(members: { [Name in keyof T]: T[Name] | undefined }): Partial<T> {
  const entries = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Partial<T>;
}

/** Of the last pass that the guest spent running. */
function dirtyRate({ passes }: Ending): number {
  const last = passes.findLast(({ phase }) => phase === 'pre-copy');
  if (!last) return 0;
  const seconds = (last.endMs - last.startMs) / last.merged / 1000;
  return seconds > 0 ? last.dirtyPages / seconds : 0;
}

export function conclude({ ending, settled, observer, use }: Observed): MigrationResult {
  const { passes, consultations } = ending;
  const last = observer.tracker.last;
  const info = last?.info ?? {};
  const { ram } = info;
  const { td, rd } = firstAndRetransferred(passes);
  const filter = info['fake-dirty'];
  return {
    outcome: settled.outcome,
    reason: settled.reason,
    guest: settled.guest,
    totalMs: info.status === 'completed' ? (info['total-time'] ?? 0) : observer.elapsedMs,
    ...known<{ downtimeMs: number; setupMs: number }>({
      downtimeMs: info.downtime,
      setupMs: info['setup-time'],
    }),
    bytes: {
      total: ram?.transferred ?? 0,
      firstPass: td,
      retransferred: rd,
      ...known<{ precopy: number; downtime: number; postcopy: number }>({
        precopy: ram?.['precopy-bytes'],
        downtime: ram?.['downtime-bytes'],
        postcopy: ram?.['postcopy-bytes'],
      }),
      multifd: ram?.['multifd-bytes'] ?? 0,
    },
    pages: { normal: ram?.normal ?? 0, zero: ram?.duplicate ?? 0 },
    passes: [...passes],
    ...(filter ? { filter: filterTotals(filter) } : {}),
    dirtyPagesPerSecond: dirtyRate(ending),
    throttlePercent: Math.max(0, ...passes.map(({ throttlePercent }) => throttlePercent)),
    ...(use ? { migrationCpuMs: use.migrationCpuMs, extraMemoryBytes: use.extraMemoryBytes } : {}),
    consultations: [...consultations],
  };
}
