// What fingerprints cost in the migrations that were measured: time in the filter a page, by method.
import { median } from '../../results/statistics.js';
import { threeDigits } from '../columns.js';
import { colorAt, type FigureMaker, smallText } from '../drawing.js';
import { drawLyingBars } from '../lying-bars.js';

export const filterTime: FigureMaker = ({ cells, methods }) => {
  const rows = methods.flatMap((method) => {
    const nsPerPage = cells
      .filter(({ cell }) => cell.method === method)
      .flatMap(({ runs }) => runs)
      .flatMap(({ measurement }) => {
        const { checked = 0, filterNs = 0 } = measurement.migration.filter ?? {};
        return checked > 0 ? [filterNs / checked] : [];
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
      title: 'Time in the filter a page, by method',
      alternative:
        'Bars: the median over all migrations of the time in the filter for each page that it looked at, ' +
        `by the clock on the wall. ${figures.join('; ')}.`,
      svg,
    },
  ];
};
