// How much of its work a guest did while it moved, from what its workload reported.
import type { Measurement } from '../model/run.js';

type Reports = Measurement['workload']['reports'];

/** How many operations had been told of by then; between two reports, in proportion. */
export function operationsBy(reports: Reports, ms: number): number {
  const after = reports.findIndex(({ heardMs }) => heardMs > ms);
  if (after < 0) return reports.at(-1)?.operations ?? 0;
  const [before, next] = [reports[after - 1], reports[after]];
  if (!before || !next) return 0;
  const share = (ms - before.heardMs) / (next.heardMs - before.heardMs);
  return before.operations + share * (next.operations - before.operations);
}

/**
 * Operations a second during the migration, as a share of those before it. Undefined: the workload had done
 * nothing by then, or had not yet told of it.
 */
export function workShare({ workload }: Measurement): number | undefined {
  const { reports, migrationBeganMs: began, migrationEndedMs: ended } = workload;
  const firstMs = reports[0]?.heardMs ?? began;
  if (began <= firstMs || ended <= began) return undefined;
  const [first, then, last] = [firstMs, began, ended].map((ms) => operationsBy(reports, ms));
  if (first === undefined || then === undefined || last === undefined) return undefined;
  const before = (then - first) / (began - firstMs);
  return before > 0 ? (last - then) / (ended - began) / before : undefined;
}
