// Total time, downtime and bytes of every method, by workload and memory size: medians, with a line from
// the least to the most.
import { type Metric, metrics, valuesOf } from '../../results/summary.js';
import { threeDigits } from '../columns.js';
import {
  colorAt,
  type Figure,
  type FigureMaker,
  legendPx,
  type Results,
  smallText,
} from '../drawing.js';
import { drawLyingBars } from '../lying-bars.js';

const barPx = 15;
const gapPx = 14;

/** A line from the least to the most beside the middle of a bar. */
function whiskers(metric: Metric, results: Results, method: string, at: number) {
  const { groups, methods } = results;
  const data = groups.flatMap((group, row) => {
    const cell = group.cells.find((each) => each.cell.method === method);
    const found = cell && valuesOf(cell, metric);
    return found ? [[Math.min(...found.values), row, Math.max(...found.values)]] : [];
  });
  return {
    type: 'custom',
    silent: true,
    z: 5,
    data,
    encode: { x: [0, 2], y: 1 },
    renderItem: (
      _: unknown,
      api: { value(of: number): number; coord(of: [number, number]): [number, number] },
    ) => {
      const middle = (at - (methods.length - 1) / 2) * barPx;
      const [from, y] = api.coord([api.value(0), api.value(1)]);
      const [to] = api.coord([api.value(2), api.value(1)]);
      const shape = { x1: from, y1: y + middle, x2: to, y2: y + middle };
      return { type: 'line', shape, style: { stroke: '#707070', lineWidth: 2 } };
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
    data: groups.map((group) => {
      const cell = group.cells.find((each) => each.cell.method === method);
      const found = cell && valuesOf(cell, metric);
      return found ? found.median : null;
    }),
  };
}

/** The medians in figures, right of all that is drawn of them. */
function figuresBeside(metric: Metric, results: Results, method: string, at: number) {
  const { groups, methods } = results;
  const data = groups.flatMap((group, row) => {
    const cell = group.cells.find((each) => each.cell.method === method);
    const found = cell && valuesOf(cell, metric);
    return found ? [[Math.max(...found.values), row, found.median]] : [];
  });
  return {
    type: 'custom',
    silent: true,
    data,
    encode: { x: 0, y: 1 },
    renderItem: (
      _: unknown,
      api: { value(of: number): number; coord(of: [number, number]): [number, number] },
    ) => {
      const middle = (at - (methods.length - 1) / 2) * barPx;
      const [x, y] = api.coord([api.value(0), api.value(1)]);
      return {
        type: 'text',
        style: {
          x: x + 5,
          y: y + middle,
          text: threeDigits(api.value(2)),
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
  const alternative =
    `Bars: ${metric.name.toLowerCase()} in ${metric.unit}, the median of the rounds, ` +
    `for ${titles.join('; ')}; methods: ${methods.join(', ')}. The table below has the figures.`;
  return [{ id, title: `${metric.name} by workload and method`, alternative, svg }];
}

export const byMethod: FigureMaker = (results) => [
  ...figure('total-time', metrics.totalTime, results),
  ...figure('downtime', metrics.downtime, results),
  ...figure('bytes-sent', metrics.sent, results),
];
