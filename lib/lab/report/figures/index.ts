// fakedirty/lab/figures: what figures of one's own are made with. It brings charts with it, which take their
// time to load. docs/guides/lab.md shows how.

export { mean, median, spread } from '../../../statistics/samples.js';
export { type MeasuredRun, stoppedBy } from '../../model/run.js';
export { threeDigits } from '../columns.js';
export {
  colorAt,
  draw,
  type Figure,
  type FigureMaker,
  legendPx,
  type Results,
  smallText,
  widthPx,
} from '../drawing.js';
export { drawLyingBars, type LyingBars } from '../lying-bars.js';
export { type CellSummary, type Comparable, metrics, valuesOf } from '../summary.js';
