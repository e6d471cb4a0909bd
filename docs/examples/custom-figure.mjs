// A figure of your own for the report: fakedirty lab report FOLDER --with custom-figure.mjs
import { colorAt, drawHorizontalBars, median } from 'fakedirty/lab/figures';

// Any SVG will do. The charts of the report have axes and patterns that print well.
function passesByMethod({ cells, methods }) {
  const rows = methods.map((method) => {
    const runs = cells.filter(({ cell }) => cell.method === method).flatMap((cell) => cell.runs);
    const passes = runs.map(({ measurement }) => measurement.migration.passes.length);
    return { method, passes: passes.length > 0 ? median(passes) : 0 };
  });
  return [
    {
      id: 'passes-by-method',
      title: 'Passes by method',
      alternative: rows.map(({ method, passes }) => `${method}: ${passes} passes.`).join(' '),
      svg: drawHorizontalBars({
        titles: rows.map(({ method }) => method),
        measure: 'passes',
        topPx: 16,
        series: [
          { type: 'bar', itemStyle: { color: colorAt(1) }, data: rows.map(({ passes }) => passes) },
        ],
      }),
    },
  ];
}

export const figures = [passesByMethod];
