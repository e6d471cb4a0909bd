// Results as lines of text: the outcome of one run, and all methods beside the first.
import { inColumns, left, percent, right, threeDigits } from '../../format/columns.js';
import { plural } from '../../format/plural.js';
import { bytesText, timeText } from '../../format/text.js';
import type { Measurement } from '../model/run.js';
import { stoppedBy } from '../model/stopped-by.js';
import { compare, isSignificant } from './comparison.js';
import { stoppedText } from './stopped-text.js';
import {
  type CellSummary,
  type Comparable,
  fakeShare,
  type Metric,
  metrics,
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
    ...(filter ? [`${plural(filter.unchanged, 'page')} unchanged`] : []),
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

/** Stands after a difference that nobody should rely on. */
const notSignificant = '~';

const legend = `x first   as a multiple of the first method
~         not significant: there may be no difference, too few rounds to tell, or the limit has decided the values
fake      share of fake dirty pages among those that were marked again
work      work rate of the guest during the migration, as a share of the rate before
stopped   migrations that had not converged within the limit of the experiment, so that the guest was stopped;
          without the limit they would have taken longer and sent more
`;

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
    if (here === undefined || !base) return '-  ';
    const isSure = cell === first || isSignificant(compare(metric, first, cell));
    return `${threeDigits(here / base)} ${isSure ? ' ' : notSignificant}`;
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
