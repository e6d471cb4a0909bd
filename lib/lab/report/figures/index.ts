// fakedirty/lab/figures: draws figures of your own for reports; needs the packages that draw them.
// Importing it loads charts, which takes a moment. The guide is docs/guides/lab.md.

export { threeDigits } from '../../../format/columns.js';
export { mean, median, spread } from '../../../statistics/samples.js';
export type { MeasuredRun } from '../../model/run.js';
export { stoppedBy } from '../../model/stopped-by.js';
export { colorAt, draw, legendPx, smallText, widthPx } from '../chart.js';
export type { Figure, FigureMaker, Results } from '../figure.js';
export { drawHorizontalBars, type HorizontalBars } from '../horizontal-bars.js';
export { type CellSummary, type Comparable, metrics, valuesOf } from '../summary.js';
