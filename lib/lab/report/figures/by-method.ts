// Total time, downtime and bytes of every method, by workload and memory size: medians, with a line from minimum to
// maximum, and a mark where migrations were stopped at the limit.

import { threeDigits } from '../../../format/columns.js';
import { colorAt, legendPx, smallText } from '../chart.js';
import type { Figure, FigureMaker, Results } from '../figure.js';
import { drawHorizontalBars } from '../horizontal-bars.js';
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
/** Marks a value that the limit has decided. */
const stopMark = '*';

interface Measured extends Values {
  /** How many of its migrations were stopped at the limit. */
  readonly stopped: number;
}

function measured(metric: Metric, { cells }: Comparable, method: string): Measured | undefined {
  const summary = cells.find(({ cell }) => cell.method === method);
  const values = summary && valuesOf(summary, metric);
  return values && { ...values, stopped: stoppedByLimit(summary) };
}

/** The columns of the data that is drawn over the bars of a method: one line for each row of the figure. */
const [minimum, row, maximum, median, stopped] = [0, 1, 2, 3, 4];

/** A row, as ECharts passes it: its data, and where it is. */
interface Row {
  value(column: number): number;
  coord(at: [number, number]): [number, number];
}

function overlay(metric: Metric, { groups }: Results, method: string) {
  const data = groups.flatMap((group, at) => {
    const found = measured(metric, group, method);
    if (!found) return [];
    const { values, median: middle, stopped: count } = found;
    return [[Math.min(...values), at, Math.max(...values), middle, count]];
  });
  return { type: 'custom', silent: true, data };
}

/** How far the middle of a method's bar is below the middle of its row. */
function belowMiddlePx({ methods }: Results, at: number): number {
  return (at - (methods.length - 1) / 2) * barPx;
}

/** A line from minimum to maximum, in the middle of a bar. */
function whiskers(metric: Metric, results: Results, method: string, at: number) {
  return {
    ...overlay(metric, results, method),
    z: 5,
    encode: { x: [minimum, maximum], y: row },
    renderItem: (_: unknown, { value, coord }: Row) => {
      const [x1, rowY] = coord([value(minimum), value(row)]);
      const [x2] = coord([value(maximum), value(row)]);
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

/** The medians as numbers, to the right of everything else. */
function numbers(metric: Metric, results: Results, method: string, at: number) {
  return {
    ...overlay(metric, results, method),
    encode: { x: maximum, y: row },
    renderItem: (_: unknown, { value, coord }: Row) => {
      const [x, rowY] = coord([value(maximum), value(row)]);
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
  const svg = drawHorizontalBars({
    titles,
    measure: `${metric.name.toLowerCase()}, ${metric.unit} (shorter is better)`,
    rowPx: methods.length * barPx + gapPx,
    topPx: 12 + legendPx(methods),
    legend: { top: 4, data: methods },
    series: methods.flatMap((method, at) => [
      bars(metric, results, method, at),
      whiskers(metric, results, method, at),
      numbers(metric, results, method, at),
    ]),
  });
  const anyStopped = groups.some(({ cells }) => cells.some((cell) => stoppedByLimit(cell) > 0));
  const mark = anyStopped ? ` (${stopMark} some or all were stopped at the limit)` : '';
  const alternative =
    `Bars: ${metric.name.toLowerCase()} in ${metric.unit}, the median of the rounds, ` +
    `for ${titles.join('; ')}; methods: ${methods.join(', ')}. The table below has the figures.`;
  return [{ id, title: `${metric.name} by workload and method${mark}`, alternative, svg }];
}

/** Total time, downtime and bytes by workload and method. */
export const byMethod: FigureMaker = (results) => [
  ...figure('total-time', metrics.totalTime, results),
  ...figure('downtime', metrics.downtime, results),
  ...figure('bytes-sent', metrics.sent, results),
];
