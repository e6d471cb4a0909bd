// Results as lines of text: what one run came to, and methods beside each other.

import { inColumns, left, percent, right, threeDigits } from '../../format/columns.js';
import { bytesText, timeText } from '../../policy/decide.js';
import { type Measurement, stoppedBy } from '../model/run.js';
import {
  type CellSummary,
  type Comparable,
  fakeShare,
  type Metric,
  metrics,
  stoppedByLimit,
  valuesOf,
} from './summary.js';

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
fake      of the pages that were marked again, those that had not changed
work      what the guest's workload did while it moved, as a share of before
stopped   migrations that had not ended by themselves in the time that the experiment gives them; without
          that limit they would have taken longer and sent more
`;

/** How many of its migrations the limit stopped. */
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
    const [here, there] = [medianOf(cell, metric), medianOf(first, metric)];
    return here === undefined || !there ? '-' : threeDigits(here / there);
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

/** Every method beside the first, medians of the rounds. */
export function comparisonText(groups: readonly Comparable[]): string {
  const tables = groups.flatMap(({ title, cells }) => {
    const [first] = cells;
    if (!first) return [];
    const rounds = Math.max(...cells.map(({ runs }) => runs.length));
    const of = rounds === 1 ? 'one round' : `medians of ${rounds} rounds`;
    return [
      `${title}: ${of}\n${inColumns(
        columns,
        cells.map((cell) => line(cell, first)),
      )}`,
    ];
  });
  return `${tables.join('\n')}\n${legend}`;
}
