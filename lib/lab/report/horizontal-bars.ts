// Charts of horizontal bars: a row for each title, which stands to the left of its bars.
import { axisBelow, draw, gridLine, lengthPx, smallText } from './chart.js';

const axisPx = 56;
const onePx = 30;

/** A chart of horizontal bars. */
export interface HorizontalBars {
  /** One for each row, from top to bottom. */
  readonly titles: readonly string[];
  /** What the bars measure, with its unit. */
  readonly measure: string;
  /** The height of a row; enough for one bar by default. */
  readonly rowPx?: number;
  /** The height of what stands above the rows. */
  readonly topPx: number;
  /** The largest width of the titles; as wide as they need by default. */
  readonly titlesPx?: number;
  /** ECharts' options of the legend. */
  readonly legend?: object;
  /** ECharts' options of each series. */
  readonly series: readonly object[];
}

/** Draws a chart of horizontal bars and returns its SVG. */
export function drawHorizontalBars(bars: HorizontalBars): string {
  const { titles, measure, rowPx = onePx, topPx, titlesPx = Number.POSITIVE_INFINITY } = bars;
  const neededPx = Math.max(...titles.map(lengthPx)) + 20;
  const left = Math.min(neededPx, titlesPx);
  return draw(topPx + titles.length * rowPx + axisPx, {
    ...(bars.legend ? { legend: { textStyle: smallText, ...bars.legend } } : {}),
    grid: { top: topPx, bottom: axisPx, left, right: 60 },
    xAxis: {
      type: 'value',
      name: measure,
      ...axisBelow,
      splitLine: gridLine,
    },
    yAxis: {
      type: 'category',
      inverse: true,
      data: titles,
      axisTick: { show: false },
      axisLabel: { ...smallText, interval: 0 },
    },
    series: bars.series,
  });
}
