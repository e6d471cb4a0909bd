// Pages by verdict in each pass of a migration with the filter.
import { plural } from '../../../format/plural.js';
import { passName } from '../../../migration/pass.js';
import { axisBelow, colorAt, draw, gridLine, smallText } from '../chart.js';
import type { Figure, FigureMaker } from '../figure.js';
import { typicalRun } from '../summary.js';

const heightPx = 300;
const verdictNames = ['first', 'zero', 'changed', 'unchanged'] as const;

/** Pages by verdict in each pass. */
export const passes: FigureMaker = ({ cells }) =>
  cells.flatMap((summary): Figure[] => {
    const run = typicalRun(summary);
    const all = run?.measurement.migration.passes.filter(({ verdicts }) => verdicts) ?? [];
    if (!run || all.length === 0) return [];
    const { workload, memoryMiB, method } = run.cell;
    const svg = draw(heightPx, {
      legend: { top: 6, textStyle: smallText },
      grid: { top: 44, bottom: 56, left: 90, right: 30 },
      xAxis: {
        type: 'category',
        name: 'pass',
        ...axisBelow,
        data: all.map(passName),
      },
      yAxis: {
        type: 'value',
        name: 'pages',
        nameTextStyle: smallText,
        axisLabel: smallText,
        splitLine: gridLine,
      },
      series: verdictNames.map((name, at) => ({
        type: 'bar',
        stack: 'pages',
        name: name === 'unchanged' ? 'unchanged (not sent)' : name,
        itemStyle: { color: colorAt([7, 6, 1, 2][at] ?? 0) },
        data: all.map(({ verdicts }) => verdicts?.[name] ?? 0),
      })),
    });
    const last = all.at(-1)?.verdicts;
    return [
      {
        id: `passes-${workload.name}-${memoryMiB}m-${method}-${summary.cellKey}`,
        title: `Pages by verdict in each pass: ${workload.name}, ${memoryMiB} MiB, ${method}`,
        alternative:
          `Bars, one for each of ${plural(all.length, 'pass', 'passes')}: pages that were new, zero, changed and ` +
          `unchanged. In the last pass ${last?.unchanged} of ${last?.checked} were unchanged.`,
        svg,
      },
    ];
  });
