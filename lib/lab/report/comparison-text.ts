// Results as lines of text: the outcome of one run, and all methods beside the first.
import { inColumns, left, percent, right, threeDigits } from '../../format/columns.js';
import { bytesText, timeText } from '../../format/text.js';
import type { Measurement } from '../model/run.js';
import { stoppedBy } from '../model/stopped-by.js';
import {
  type CellSummary,
  type Comparable,
  fakeShare,
  type Metric,
  metrics,
  stoppedByLimit,
  valuesOf,
} from './summary.js';

/** The outcome of one run, in one line. */
export function outcomeText(measurement: Measurement): string {
  const { migration, memory } = measurement;
  const { totalMs, downtimeMs, bytes, filter } = migration;
  const by = stoppedBy(measurement);
  return [
    `${timeText(totalMs)}${by ? ` (stopped by the ${by})` : ''}`,
    ...(downtimeMs === undefined ? [] : [`downtime ${timeText(downtimeMs)}`]),
    `${bytesText(bytes.total)} sent`,
    ...(filter ? [`${filter.unchanged.toLocaleString('en-US')} pages unchanged`] : []),
    ...(memory ? ['memory is equal'] : []),
  ].join(', ');
}

const columns = [
  left('method'),
  right('total s'),
  right('x first'),
  right('downtime ms'),
  right('sent MB'),
  right('x first'),
  right('fake'),
  right('work'),
  right('stopped'),
];

const legend = `x first   as a multiple of the first method
fake      share of fake dirty pages among those that were marked again
work      work rate of the guest during the migration, as a share of the rate before
stopped   migrations that had not converged within the limit of the experiment, so that the guest was stopped;
          without the limit they would have taken longer and sent more
`;

/** How many of a cell's migrations were stopped at the limit. */
export function stoppedText(cell: CellSummary): string {
  const stopped = stoppedByLimit(cell);
  return stopped > 0 ? `${stopped} of ${cell.runs.length}` : '-';
}

function medianOf(cell: CellSummary, metric: Metric): number | undefined {
  return valuesOf(cell, metric)?.median;
}

function line(cell: CellSummary, first: CellSummary): string[] {
  const shown = (metric: Metric) => {
    const median = medianOf(cell, metric);
    return median === undefined ? '-' : threeDigits(median);
  };
  const timesFirst = (metric: Metric) => {
    const [here, base] = [medianOf(cell, metric), medianOf(first, metric)];
    return here === undefined || !base ? '-' : threeDigits(here / base);
  };
  const work = medianOf(cell, metrics.work);
  const fake = fakeShare(cell);
  return [
    cell.cell.method,
    shown(metrics.totalTime),
    timesFirst(metrics.totalTime),
    shown(metrics.downtime),
    shown(metrics.sent),
    timesFirst(metrics.sent),
    fake === undefined ? '-' : percent(fake),
    work === undefined ? '-' : percent(work / 100),
    stoppedText(cell),
  ];
}

/** Tables of all methods beside the first one: medians of the rounds. */
export function comparisonText(groups: readonly Comparable[]): string {
  const tables = groups.flatMap(({ title, cells }) => {
    const [first] = cells;
    if (!first) return [];
    const rounds = Math.max(...cells.map(({ runs }) => runs.length));
    const what = rounds === 1 ? 'one round' : `medians of ${rounds} rounds`;
    return [
      `${title}: ${what}\n${inColumns(
        columns,
        cells.map((cell) => line(cell, first)),
      )}`,
    ];
  });
  return `${tables.join('\n')}\n${legend}`;
}
