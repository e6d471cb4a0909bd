// What fingerprints cost in the measured migrations: time in the filter per page, by method. The first pass is left out:
// most of its time is the first touch of each page.

import { threeDigits } from '../../../format/columns.js';
import { median } from '../../../statistics/samples.js';
import { colorAt, smallText } from '../chart.js';
import type { FigureMaker } from '../figure.js';
import { drawHorizontalBars } from '../horizontal-bars.js';

/** Time in the filter per page, by method. */
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
  const svg = drawHorizontalBars({
    titles: rows.map(({ method }) => method),
    measure: 'ns per page, including the copy (shorter is better)',
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
      title: 'Time in the filter per page after the first pass, by method',
      alternative:
        'Bars: the median over all migrations of the wall-clock time in the filter for each page that it checked after the ' +
        `first pass. ${figures.join('; ')}.`,
      svg,
    },
  ];
};
