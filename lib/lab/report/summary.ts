// The runs of each cell together: what was measured, and how much it varies.

import { mean, meanInterval, median, spread } from '../../statistics/samples.js';
import type { Cell } from '../model/cell.js';
import { describeLink } from '../model/link.js';
import { isMeasured, type MeasuredRun, type Measurement, type Run } from '../model/run.js';
import { stoppedBy } from '../model/stopped-by.js';
import { workShare } from './work.js';

/** A figure by which migrations are compared. */
export interface Metric {
  /** As in headings. */
  readonly name: string;
  /** The unit of its values. */
  readonly unit: string;
  /** Its value in a measurement; undefined: the measurement has none. */
  readonly of: (measurement: Measurement) => number | undefined;
  /** Whether it would certainly have been more without the limit, for a migration that was stopped at it. */
  readonly growsWithoutLimit: boolean;
  /** Why it can't be compared for a migration that was stopped at the limit. */
  readonly whenStopped: string;
}

/** The figures by which migrations are compared. */
export const metrics = {
  totalTime: {
    name: 'Total migration time',
    unit: 's',
    of: (measurement) => measurement.migration.totalMs / 1000,
    growsWithoutLimit: true,
    whenStopped: 'without the limit it would have taken longer',
  },
  downtime: {
    name: 'Downtime',
    unit: 'ms',
    of: (measurement) => measurement.migration.downtimeMs,
    growsWithoutLimit: false,
    whenStopped: 'downtime is then the time to send whatever was left',
  },
  sent: {
    name: 'Bytes sent',
    unit: 'MB',
    of: (measurement) => measurement.migration.bytes.total / 1e6,
    growsWithoutLimit: true,
    whenStopped: 'without the limit more would have been sent',
  },
  work: {
    name: 'Work rate of the guest during the migration',
    unit: '% of the rate before',
    of: (measurement) => {
      const share = workShare(measurement);
      return share === undefined ? undefined : 100 * share;
    },
    growsWithoutLimit: false,
    whenStopped: 'the work rate then depends on the limit',
  },
} as const satisfies Record<string, Metric>;

/** The values of a metric in the rounds of a cell. */
export interface Values {
  /** One for each round. */
  readonly values: readonly number[];
  /** Their median. */
  readonly median: number;
  /** Their mean. */
  readonly mean: number;
  /** Maximum minus minimum, as a share of the median. */
  readonly spread: number;
  /** The 99 % confidence interval of the mean; null: too few rounds. */
  readonly interval: readonly [number, number] | null;
}

/** The runs of a cell. */
export interface CellSummary {
  /** Which cell. */
  readonly cell: Cell;
  /** The same for all runs of the cell. */
  readonly cellKey: string;
  /** Without warm-ups. */
  readonly runs: readonly MeasuredRun[];
  /** Failed attempts of all its runs, including warm-ups. */
  readonly failures: number;
}

/** Cells that differ only in their method. */
export interface Comparable {
  /** What the cells have in common. */
  readonly title: string;
  /** One for each method, in the order of the experiment; the first is the baseline. */
  readonly cells: readonly CellSummary[];
}

/** The values of a metric in the rounds of a cell; undefined: there are none. */
export function valuesOf(cell: CellSummary, metric: Pick<Metric, 'of'>): Values | undefined {
  const values = cell.runs.flatMap(({ measurement }) => metric.of(measurement) ?? []);
  if (values.length === 0) return undefined;
  return {
    values,
    median: median(values),
    mean: mean(values),
    spread: spread(values),
    interval: meanInterval(values),
  };
}

/** How many migrations were stopped at the limit, because they had not converged. */
export function stoppedByLimit({ runs }: CellSummary): number {
  return runs.filter(({ measurement }) => stoppedBy(measurement) === 'limit').length;
}

/** The share of fake dirty pages among those that were marked again; undefined: not counted, or none were marked. */
export function fakeShare({ runs }: CellSummary): number | undefined {
  const shares = runs.flatMap(({ measurement }) => {
    const { changed = 0, unchanged = 0 } = measurement.migration.filter ?? {};
    return changed + unchanged > 0 ? [unchanged / (changed + unchanged)] : [];
  });
  return shares.length > 0 ? median(shares) : undefined;
}

/** The run with the median total time, for what can't be averaged. */
export function typicalRun({ runs }: CellSummary): MeasuredRun | undefined {
  const sorted = [...runs].sort(
    (a, b) => a.measurement.migration.totalMs - b.measurement.migration.totalMs,
  );
  return sorted[sorted.length >> 1];
}

/** The cells of these runs. */
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

/** What a cell is, besides its method and link. */
export function titleOf({ workload, memoryMiB }: Cell): string {
  const options = Object.entries(workload.options).map(([name, value]) => `${name} ${value}`);
  const busy = options.length > 0 ? `${workload.name} (${options.join(', ')})` : workload.name;
  return `${busy}, ${memoryMiB} MiB`;
}

/** The cells in groups that differ only in their method, in the order of `methods`; the first is the baseline. */
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
