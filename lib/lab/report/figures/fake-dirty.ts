// Pages that were marked dirty again, by workload and memory size: how many had really changed, and how many had not, as
// the filter has counted them.

import { threeDigits } from '../../../format/columns.js';
import { colorAt, widthPx } from '../chart.js';
import type { FigureMaker } from '../figure.js';
import { drawHorizontalBars } from '../horizontal-bars.js';
import { typicalRun } from '../summary.js';

/** Fake dirty pages by workload and memory size. */
export const fakeDirty: FigureMaker = ({ groups }) => {
  const rows = groups.flatMap(({ title, cells }) => {
    // One method is enough: the counts of others differ only because their passes take longer or shorter.
    for (const cell of cells) {
      const filter = typicalRun(cell)?.measurement.migration.filter;
      if (!filter) continue;
      const { changed, unchanged } = filter;
      return [{ title: `${title}, ${cell.cell.method}`, changed, unchanged }];
    }
    return [];
  });
  if (rows.length === 0) return [];
  const series = (['changed', 'unchanged'] as const).map((verdict, at) => ({
    type: 'bar',
    stack: 'marked',
    name: verdict === 'changed' ? 'really changed' : 'fake: unchanged',
    itemStyle: { color: colorAt(at + 1) },
    data: rows.map((row) => row[verdict]),
  }));
  const svg = drawHorizontalBars({
    titles: rows.map(({ title }) => title),
    measure: 'pages marked dirty after they had been sent',
    topPx: 40,
    titlesPx: widthPx / 2,
    legend: { top: 6 },
    series,
  });
  const shares = rows.map(({ title, changed, unchanged }) => {
    const share = unchanged / Math.max(1, changed + unchanged);
    return `${title}: ${threeDigits(100 * share)} % of ${changed + unchanged} were fake`;
  });
  return [
    {
      id: 'fake-dirty',
      title: 'Fake dirty pages by workload and memory size',
      alternative: `Bars: pages marked dirty again after they had been sent. ${shares.join('; ')}.`,
      svg,
    },
  ];
};
