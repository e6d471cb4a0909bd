// The runs of each cell together: what was measured, how far it scatters, and what can be said of it.

import { mean, meanInterval, median, spread } from '../../statistics/samples.js';
import { describeLink } from '../model/link.js';
import {
  isMeasured,
  type MeasuredRun,
  type Measurement,
  type Run,
  stoppedBy,
} from '../model/run.js';
import type { Cell } from '../plan/planned-runs.js';
import { workShare } from './work.js';

export interface Metric {
  readonly name: string;
  readonly unit: string;
  /** Undefined: this measurement has no such figure. */
  readonly of: (measurement: Measurement) => number | undefined;
  /** Of a migration that the limit stopped, it would have been more without it; else nobody knows. */
  readonly growsWithoutLimit: boolean;
  /** What the limit means for it where it stopped a migration, for those who would compare it. */
  readonly whenStopped: string;
}

export const metrics = {
  totalTime: {
    name: 'Total migration time',
    unit: 's',
    of: ({ migration }) => migration.totalMs / 1000,
    growsWithoutLimit: true,
    whenStopped: 'without the limit the time would have been longer',
  },
  downtime: {
    name: 'Downtime',
    unit: 'ms',
    of: ({ migration }) => migration.downtimeMs,
    growsWithoutLimit: false,
    whenStopped: 'downtime is then the time to send whatever was left',
  },
  sent: {
    name: 'Bytes sent',
    unit: 'MB',
    of: ({ migration }) => migration.bytes.total / 1e6,
    growsWithoutLimit: true,
    whenStopped: 'without the limit more would have been sent',
  },
  work: {
    name: 'Work done by the guest while it moved',
    unit: '% of before',
    of: (measurement) => {
      const share = workShare(measurement);
      return share === undefined ? undefined : 100 * share;
    },
    growsWithoutLimit: false,
    whenStopped: 'how much work is done then depends on the limit',
  },
} as const satisfies Record<string, Metric>;

export interface Values {
  readonly values: readonly number[];
  readonly median: number;
  readonly mean: number;
  /** From the least to the most, as a share of the median. */
  readonly spread: number;
  /** Of the mean, in 99 of 100 cases; null: too few rounds. */
  readonly interval: readonly [number, number] | null;
}

export interface CellSummary {
  readonly cell: Cell;
  readonly cellKey: string;
  /** Warm-ups are not among them. */
  readonly runs: readonly MeasuredRun[];
  /** Of all its runs, warm-ups included. */
  readonly failures: number;
}

/** Cells that differ in their method alone. */
export interface Comparable {
  readonly title: string;
  readonly cells: readonly CellSummary[];
}

export function valuesOf({ runs }: CellSummary, { of }: Pick<Metric, 'of'>): Values | undefined {
  const values = runs.flatMap(({ measurement }) => of(measurement) ?? []);
  if (values.length === 0) return undefined;
  return {
    values,
    median: median(values),
    mean: mean(values),
    spread: spread(values),
    interval: meanInterval(values),
  };
}

/** How many migrations had not ended by themselves in the time that the experiment gave them. */
export function stoppedByLimit({ runs }: CellSummary): number {
  return runs.filter(({ measurement }) => stoppedBy(measurement) === 'limit').length;
}

/** Of the pages that were marked again, those that had not changed; undefined: nobody looked, or there were none. */
export function fakeShare({ runs }: CellSummary): number | undefined {
  const shares = runs.flatMap(({ measurement }) => {
    const { changed = 0, unchanged = 0 } = measurement.migration.filter ?? {};
    return changed + unchanged > 0 ? [unchanged / (changed + unchanged)] : [];
  });
  return shares.length > 0 ? median(shares) : undefined;
}

/** The run in the middle of its cell by total time: for what can't be averaged. */
export function typicalRun({ runs }: CellSummary): MeasuredRun | undefined {
  const sorted = [...runs].sort(
    (a, b) => a.measurement.migration.totalMs - b.measurement.migration.totalMs,
  );
  return sorted[sorted.length >> 1];
}

export function summarise(runs: readonly Run[]): CellSummary[] {
  const groups = new Map<string, Run[]>();
  for (const run of runs) groups.set(run.cellKey, [...(groups.get(run.cellKey) ?? []), run]);
  return [...groups].flatMap(([cellKey, all]) => {
    const [first] = all;
    if (!first) return [];
    const failures = all.reduce((sum, run) => sum + run.failures.length, 0);
    const counted = all.filter((run) => !run.warmUp).filter(isMeasured);
    return [{ cell: first.cell, cellKey, runs: counted, failures }];
  });
}

/** What a cell is beside its method: its options are told when there are any. */
export function titleOf({ workload, memoryMiB }: Cell): string {
  const options = Object.entries(workload.options).map(([name, value]) => `${name} ${value}`);
  const busy = options.length > 0 ? `${workload.name} (${options.join(', ')})` : workload.name;
  return `${busy}, ${memoryMiB} MiB`;
}

/** In the order of the methods given, the first of which the others are compared with. */
export function comparables(
  cells: readonly CellSummary[],
  methods: readonly string[],
): Comparable[] {
  const links = new Set(cells.map(({ cell }) => describeLink(cell.link)));
  const groups = new Map<string, CellSummary[]>();
  for (const summary of cells) {
    const link = links.size > 1 ? `, ${describeLink(summary.cell.link)}` : '';
    const title = `${titleOf(summary.cell)}${link}`;
    groups.set(title, [...(groups.get(title) ?? []), summary]);
  }
  return [...groups]
    .map(([title, group]) => ({
      title,
      cells: group.sort((a, b) => methods.indexOf(a.cell.method) - methods.indexOf(b.cell.method)),
    }))
    .sort((a, b) => a.title.localeCompare(b.title, 'en', { numeric: true }));
}
