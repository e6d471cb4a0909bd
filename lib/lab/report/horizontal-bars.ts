// Charts of bars that lie down: a row for each title, which stands on the left of its bars.
import { axisBelow, draw, gridLine, lengthPx, smallText } from './chart.js';

const axisPx = 56;
const onePx = 30;

export interface LyingBars {
  /** From the top to the bottom. */
  readonly titles: readonly string[];
  /** What the bars measure, with its unit. */
  readonly measure: string;
  /** The height of a row; enough for one bar when not given. */
  readonly rowPx?: number;
  /** What stands above the rows needs so much. */
  readonly topPx: number;
  /** The titles get so much at the most; as much as they need when not given. */
  readonly titlesPx?: number;
  readonly legend?: object;
  readonly series: readonly object[];
}

export function drawLyingBars(bars: LyingBars): string {
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
