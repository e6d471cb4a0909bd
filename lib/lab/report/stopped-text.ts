// How many migrations of a cell were stopped at the limit, in words.
import { type CellSummary, stoppedByLimit } from './summary.js';

/** How many of a cell's migrations were stopped at the limit. */
export function stoppedText(cell: CellSummary): string {
  const stopped = stoppedByLimit(cell);
  return stopped > 0 ? `${stopped} of ${cell.runs.length}` : '-';
}
