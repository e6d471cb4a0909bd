// What fingerprints cost in the migrations that were measured: time in the filter a page, by method. After the first
// pass: in it, most of the time of many pages is that they are touched for the first time.

import { threeDigits } from '../../../format/columns.js';
import { median } from '../../../statistics/samples.js';
import { colorAt, type FigureMaker, smallText } from '../chart.js';
import { drawLyingBars } from '../horizontal-bars.js';

export const filterTime: FigureMaker = ({ cells, methods }) => {
  const rows = methods.flatMap((method) => {
    const nsPerPage = cells
      .filter(({ cell }) => cell.method === method)
      .flatMap(({ runs }) => runs)
      .flatMap(({ measurement }) => {
        const later = measurement.migration.passes
          .slice(1)
          .flatMap(({ verdicts }) => verdicts ?? []);
        const checked = later.reduce((sum, verdicts) => sum + verdicts.checked, 0);
        const ns = later.reduce((sum, { filterNs }) => sum + filterNs, 0);
        return checked > 0 ? [ns / checked] : [];
      });
    return nsPerPage.length > 0 ? [{ method, ns: median(nsPerPage) }] : [];
  });
  if (rows.length === 0) return [];
  const svg = drawLyingBars({
    titles: rows.map(({ method }) => method),
    measure: 'ns a page, the copy included (shorter is better)',
    topPx: 16,
    series: [
      {
        type: 'bar',
        itemStyle: { color: colorAt(1) },
        label: { show: true, position: 'right', ...smallText, formatter: '{c}' },
        data: rows.map(({ ns }) => Math.round(ns)),
      },
    ],
  });
  const figures = rows.map(({ method, ns }) => `${method} ${threeDigits(ns)} ns`);
  return [
    {
      id: 'filter-time',
      title: 'Time in the filter a page after the first pass, by method',
      alternative:
        'Bars: the median over all migrations of the time in the filter for each page that it looked at after the first pass, ' +
        `by the clock on the wall. ${figures.join('; ')}.`,
      svg,
    },
  ];
};
