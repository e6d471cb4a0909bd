// What a figure of the report is, and what it is made of. Nothing here draws, so nothing here loads charts.
import type { CellSummary, Comparable } from './summary.js';

/** What figures are made of. */
export interface Results {
  /** The runs of each cell. */
  readonly cells: readonly CellSummary[];
  /** The cells again, in groups that differ in their method alone. */
  readonly groups: readonly Comparable[];
  /** In the order of the experiment. */
  readonly methods: readonly string[];
}

/** A figure of the report. */
export interface Figure {
  /** Names its file. */
  readonly id: string;
  /** The caption. */
  readonly title: string;
  /** What it shows, for readers who don't see it. */
  readonly alternative: string;
  /** The figure itself. */
  readonly svg: string;
}

/** Draws one kind of figure; returns none when there is nothing to show. */
export type FigureMaker = (results: Results) => Figure[];
