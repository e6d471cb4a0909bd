// Builds the result of a migration from all that was observed.
import type { ProcessUsage } from '../qmp/process-usage.js';
import type { CallbackFailure } from './callbacks.js';
import type { ConfirmedOutcome } from './confirm-outcome.js';
import type { MigrationEnd } from './controller.js';
import type { Observer } from './observer.js';
import { firstAndRetransferred } from './pass.js';
import { filterTotals } from './pass-tracker.js';
import type { MigrationResult } from './result.js';

interface Ended {
  readonly end: MigrationEnd;
  readonly confirmed: ConfirmedOutcome;
  readonly observer: Observer;
  readonly usage: ProcessUsage | undefined;
  readonly callbackFailures: readonly CallbackFailure[];
}

/** The members that are known. */
export function known<T extends object>(
  members: { [Name in keyof T]: T[Name] | undefined },
): Partial<T> {
  const entries = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Partial<T>;
}

/** Pages marked a second in the last pass during which the guest ran. */
function dirtyRate({ passes }: MigrationEnd): number {
  const last = passes.findLast(({ phase }) => phase === 'pre-copy');
  if (!last) return 0;
  const seconds = (last.endMs - last.startMs) / last.merged / 1000;
  return seconds > 0 ? last.dirtyPages / seconds : 0;
}

export function buildResult(ended: Ended): MigrationResult {
  const { end, confirmed, observer, usage, callbackFailures } = ended;
  const { passes, policyEvaluations } = end;
  const last = observer.tracker.last;
  const info = last?.info ?? {};
  const { ram } = info;
  const { td, rd } = firstAndRetransferred(passes);
  const [first] = passes;
  const sawFirstPass = first?.number === 1 && first.merged === 1;
  const filter = info['fake-dirty'];
  return {
    outcome: confirmed.outcome,
    reason: confirmed.reason,
    guest: confirmed.guest,
    totalMs: info.status === 'completed' ? (info['total-time'] ?? 0) : observer.elapsedMs,
    ...known<{ downtimeMs: number; setupMs: number }>({
      downtimeMs: info.downtime,
      setupMs: info['setup-time'],
    }),
    bytes: {
      total: ram?.transferred ?? 0,
      ...(sawFirstPass ? { firstPass: td, retransferred: rd } : {}),
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
    dirtyPagesPerSecond: dirtyRate(end),
    throttlePercent: Math.max(0, ...passes.map(({ throttlePercent }) => throttlePercent)),
    ...(usage ? { migrationCpuMs: usage.cpuMs, extraMemoryBytes: usage.extraMemoryBytes } : {}),
    policyEvaluations: [...policyEvaluations],
    ...(callbackFailures.length > 0 ? { callbackFailures: [...callbackFailures] } : {}),
  };
}
