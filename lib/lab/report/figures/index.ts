// fakedirty/lab/figures: what figures of one's own are made with. It brings charts with it, which take their
// time to load. docs/guides/lab.md shows how.

export { threeDigits } from '../../../format/columns.js';
export { mean, median, spread } from '../../../statistics/samples.js';
export { type MeasuredRun, stoppedBy } from '../../model/run.js';
export {
  colorAt,
  draw,
  type Figure,
  type FigureMaker,
  legendPx,
  type Results,
  smallText,
  widthPx,
} from '../chart.js';
export { drawLyingBars, type LyingBars } from '../horizontal-bars.js';
export { type CellSummary, type Comparable, metrics, valuesOf } from '../summary.js';
