// Total time, downtime and bytes of every method, by workload and memory size: medians, with a line from
// the least to the most, and a mark where the limit stopped migrations.

import { threeDigits } from '../../../format/columns.js';
import {
  colorAt,
  type Figure,
  type FigureMaker,
  legendPx,
  type Results,
  smallText,
} from '../chart.js';
import { drawLyingBars } from '../horizontal-bars.js';
import {
  type Comparable,
  type Metric,
  metrics,
  stoppedByLimit,
  type Values,
  valuesOf,
} from '../summary.js';

const barPx = 15;
const gapPx = 14;
/** Beside what the limit made of a migration. */
const stopMark = '*';

interface Measured extends Values {
  /** How many of its migrations the limit stopped. */
  readonly stopped: number;
}

function measured(metric: Metric, { cells }: Comparable, method: string): Measured | undefined {
  const summary = cells.find(({ cell }) => cell.method === method);
  const values = summary && valuesOf(summary, metric);
  return values && { ...values, stopped: stoppedByLimit(summary) };
}

/** The columns of what is drawn beside the bars of a method: a line for each row of the figure. */
const [least, row, most, median, stopped] = [0, 1, 2, 3, 4];

/** How ECharts tells of a row what it has and where it is. */
interface Row {
  value(column: number): number;
  coord(at: [number, number]): [number, number];
}

function besideBars(metric: Metric, { groups }: Results, method: string) {
  const data = groups.flatMap((group, at) => {
    const found = measured(metric, group, method);
    if (!found) return [];
    const { values, median: middle, stopped: cut } = found;
    return [[Math.min(...values), at, Math.max(...values), middle, cut]];
  });
  return { type: 'custom', silent: true, data };
}

/** How far below the middle of its row the bar of a method has its own. */
function belowMiddlePx({ methods }: Results, at: number): number {
  return (at - (methods.length - 1) / 2) * barPx;
}

/** A line from the least to the most beside the middle of a bar. */
function whiskers(metric: Metric, results: Results, method: string, at: number) {
  return {
    ...besideBars(metric, results, method),
    z: 5,
    encode: { x: [least, most], y: row },
    renderItem: (_: unknown, { value, coord }: Row) => {
      const [x1, rowY] = coord([value(least), value(row)]);
      const [x2] = coord([value(most), value(row)]);
      const y = rowY + belowMiddlePx(results, at);
      const style = { stroke: '#707070', lineWidth: 2 };
      return { type: 'line', shape: { x1, y1: y, x2, y2: y }, style };
    },
  };
}

function bars(metric: Metric, { groups }: Results, method: string, at: number) {
  return {
    type: 'bar',
    name: method,
    barWidth: barPx - 2,
    barGap: `${(2 / (barPx - 2)) * 100}%`,
    itemStyle: { color: colorAt(at) },
    data: groups.map((group) => measured(metric, group, method)?.median ?? null),
  };
}

/** The medians in figures, right of all that is drawn of them. */
function figuresBeside(metric: Metric, results: Results, method: string, at: number) {
  return {
    ...besideBars(metric, results, method),
    encode: { x: most, y: row },
    renderItem: (_: unknown, { value, coord }: Row) => {
      const [x, rowY] = coord([value(most), value(row)]);
      return {
        type: 'text',
        style: {
          x: x + 5,
          y: rowY + belowMiddlePx(results, at),
          text: `${threeDigits(value(median))}${value(stopped) > 0 ? ` ${stopMark}` : ''}`,
          fontFamily: smallText.fontFamily,
          fontSize: 10,
          fill: '#000000',
          verticalAlign: 'middle',
        },
      };
    },
  };
}

function figure(id: string, metric: Metric, results: Results): Figure[] {
  const { groups, methods } = results;
  const shown = groups.some((group) => group.cells.some((cell) => valuesOf(cell, metric)));
  if (!shown) return [];
  const titles = groups.map(({ title }) => title);
  const svg = drawLyingBars({
    titles,
    measure: `${metric.name.toLowerCase()}, ${metric.unit} (shorter is better)`,
    rowPx: methods.length * barPx + gapPx,
    topPx: 12 + legendPx(methods),
    legend: { top: 4, data: methods },
    series: methods.flatMap((method, at) => [
      bars(metric, results, method, at),
      whiskers(metric, results, method, at),
      figuresBeside(metric, results, method, at),
    ]),
  });
  const cut = groups.some(({ cells }) => cells.some((cell) => stoppedByLimit(cell) > 0));
  const mark = cut ? ` (${stopMark} the limit stopped some or all)` : '';
  const alternative =
    `Bars: ${metric.name.toLowerCase()} in ${metric.unit}, the median of the rounds, ` +
    `for ${titles.join('; ')}; methods: ${methods.join(', ')}. The table below has the figures.`;
  return [{ id, title: `${metric.name} by workload and method${mark}`, alternative, svg }];
}

export const byMethod: FigureMaker = (results) => [
  ...figure('total-time', metrics.totalTime, results),
  ...figure('downtime', metrics.downtime, results),
  ...figure('bytes-sent', metrics.sent, results),
];
