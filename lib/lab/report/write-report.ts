// Makes the report of a folder of results: the page, its figures as SVG and PNG, and the runs as CSV. Importing this
// module loads the packages that draw.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Experiment } from '../model/experiment.js';
import { keptRuns } from '../store/kept-runs.js';
import { type ResultStore, writeResults } from '../store/result-store.js';
import { csvOf } from './csv.js';
import type { FigureMaker, Results } from './figure.js';
import { figureMakers } from './figures/built-in.js';
import { reportPage } from './page.js';
import { pngOf } from './png.js';
import { comparables, summarise } from './summary.js';

/** What a report is made of. */
export interface ReportOptions {
  readonly store: ResultStore;
  readonly title: string;
  readonly description?: string;
  /**
   * Only its runs are reported, with its methods in their order, the first one being the baseline. By default: all runs,
   * and the methods as they come.
   */
  readonly experiment?: Experiment;
  /** Figures after the built-in ones. */
  readonly figures?: readonly FigureMaker[];
}

const folder = 'figures';

/** A report that has been written. */
export interface WrittenReport {
  /** The path of its page. */
  readonly page: string;
  /** How many runs of the folder it leaves out, because the experiment does not plan them. */
  readonly others: number;
}

/** Replaces an earlier report as a whole, or leaves it as it was. */
export function writeReport(options: ReportOptions): WrittenReport {
  const { store, title, description = '', experiment, ...given } = options;
  const { runs, others } = keptRuns(store, experiment);
  const found = new Set(runs.map(({ cell }) => cell.method));
  const methods = (experiment?.methods ?? [...found]).filter((method) => found.has(method));
  const cells = summarise(runs);
  const results: Results = { cells, groups: comparables(cells, methods), methods };
  const makers = [...figureMakers, ...(given.figures ?? [])];
  const figures = makers.flatMap((make) => make(results));
  const page = 'index.html';
  const files = new Map<string, string | Uint8Array>([
    ...figures.flatMap(({ id, svg }): [string, string | Uint8Array][] => [
      [join(folder, `${id}.svg`), svg],
      [join(folder, `${id}.png`), pngOf(svg)],
    ]),
    [page, String(reportPage({ title, description, runs, others, results, figures }))],
    ['runs.csv', csvOf(runs)],
  ]);
  writeResults(store.directory, files, {
    what: 'The report',
    advice: 'The results are safe: make room, and write it with "fakedirty lab report".',
  });
  removeOtherFigures(store.directory, files);
  return { page: join(store.directory, page), others };
}

/** An earlier report may have had other figures. */
function removeOtherFigures(directory: string, files: ReadonlyMap<string, unknown>): void {
  const figures = join(directory, folder);
  if (!existsSync(figures)) return;
  for (const name of readdirSync(figures)) {
    const figure = join(folder, name);
    if (!files.has(figure)) rmSync(join(directory, figure), { recursive: true });
  }
}
