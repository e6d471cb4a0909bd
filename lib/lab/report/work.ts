// How fast a workload ran before, during and after the migration, from its reports.
import type { MeasuredRun, Measurement } from '../model/run.js';

type Reports = Measurement['workload']['reports'];

/** How many operations had been done by then; interpolated between two reports. */
export function operationsBy(reports: Reports, ms: number): number {
  const after = reports.findIndex(({ receivedMs }) => receivedMs > ms);
  if (after < 0) return reports.at(-1)?.operations ?? 0;
  const [before, next] = [reports[after - 1], reports[after]];
  if (!before || !next) return 0;
  const share = (ms - before.receivedMs) / (next.receivedMs - before.receivedMs);
  return before.operations + share * (next.operations - before.operations);
}

/**
 * Operations a second during the migration, as a share of the rate before it. Undefined: the workload had done nothing
 * before, or had not reported it yet.
 */
export function workShare({ workload }: Measurement): number | undefined {
  const { reports, migrationBeganMs: began, migrationEndedMs: ended } = workload;
  const firstMs = reports[0]?.receivedMs ?? began;
  if (began <= firstMs || ended <= began) return undefined;
  const [first, then, last] = [firstMs, began, ended].map((ms) => operationsBy(reports, ms));
  if (first === undefined || then === undefined || last === undefined) return undefined;
  const before = (then - first) / (began - firstMs);
  return before > 0 ? (last - then) / (ended - began) / before : undefined;
}

/** Reports may arrive late, several at once: a finer resolution would mean nothing. */
const stepMs = 400;

/** Operations a second, by the time in seconds since the migration began. */
export function throughputOf({ measurement }: MeasuredRun): [number, number][] {
  const { reports, migrationBeganMs } = measurement.workload;
  const lastMs = reports.at(-1)?.receivedMs ?? 0;
  const points: [number, number][] = [];
  const firstMs = reports[0]?.receivedMs ?? 0;
  let before = operationsBy(reports, firstMs);
  for (let ms = firstMs + stepMs; ms <= lastMs; ms += stepMs) {
    const now = operationsBy(reports, ms);
    points.push([(ms - stepMs / 2 - migrationBeganMs) / 1000, ((now - before) * 1000) / stepMs]);
    before = now;
  }
  return points;
}
