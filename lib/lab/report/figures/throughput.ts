// How fast a workload runs before, during and after the migration, with each method.

import { axisBelow, colorAt, draw, gridLine, legendPx, smallText } from '../chart.js';
import type { Figure, FigureMaker } from '../figure.js';
import { type Comparable, typicalRun } from '../summary.js';
import { throughputOf } from '../work.js';

const chartPx = 240;
const dashes = ['solid', 'dashed', 'dotted'];

function figure({ title, cells }: Comparable, methods: readonly string[]): Figure[] {
  const lines = cells.flatMap((cell) => {
    const run = typicalRun(cell);
    if (!run) return [];
    const points = throughputOf(run);
    const at = methods.indexOf(cell.cell.method);
    const { migrationBeganMs: began, migrationEndedMs: ended } = run.measurement.workload;
    const endS = (ended - began) / 1000;
    return points.length > 0 ? [{ method: cell.cell.method, at, points, endS, run }] : [];
  });
  const [first] = lines;
  if (!first || lines.every(({ points }) => points.every(([, rate]) => rate === 0))) return [];
  const { operation } = first.run.measurement.workload;
  const topPx = 34 + legendPx(lines.map(({ method }) => method));
  const svg = draw(topPx + chartPx + 56, {
    legend: { top: 4, textStyle: smallText, data: lines.map(({ method }) => method) },
    grid: { top: topPx, bottom: 56, left: 90, right: 30 },
    xAxis: {
      type: 'value',
      name: 'seconds since the migration began (circle: it ends)',
      ...axisBelow,
      splitLine: gridLine,
      axisLine: { onZero: false },
    },
    yAxis: {
      type: 'value',
      min: 0,
      // At the left edge, not where the migration begins.
      axisLine: { onZero: false },
      name: `${operation} a second`,
      nameTextStyle: { ...smallText, align: 'left' },
      axisLabel: smallText,
      splitLine: gridLine,
    },
    series: lines.map(({ method, at, points, endS }) => ({
      type: 'line',
      name: method,
      showSymbol: false,
      color: colorAt(at),
      lineStyle: { width: 2, type: dashes[Math.floor(at / 2) % dashes.length] },
      markPoint: {
        symbol: 'circle',
        symbolSize: 11,
        label: { show: false },
        itemStyle: { color: '#ffffff', borderColor: colorAt(at), borderWidth: 2 },
        data: [{ coord: points.find(([s]) => s >= endS) ?? points.at(-1) }],
      },
      ...(at === 0
        ? {
            markLine: {
              symbol: 'none',
              silent: true,
              label: { show: false },
              lineStyle: { color: '#707070', type: 'solid' },
              data: [{ xAxis: 0 }],
            },
          }
        : {}),
      data: points,
    })),
  });
  const ends = lines.map(({ method, endS }) => `${method} after ${endS.toFixed(1)} s`);
  return [
    {
      id: `throughput-${first.run.cell.workload.name}-${first.run.cell.memoryMiB}m-${first.run.cellKey}`,
      title: `${operation[0]?.toUpperCase()}${operation.slice(1)} a second around the migration: ${title}`,
      alternative:
        `Lines: ${operation} a second, over time, for each method. The migration begins at 0 and ends: ` +
        `${ends.join(', ')}.`,
      svg,
    },
  ];
}

/** Operations a second around the migration. */
export const throughput: FigureMaker = ({ groups, methods }) =>
  groups.flatMap((group) => figure(group, methods));
