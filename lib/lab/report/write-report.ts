// Makes the report of a folder of results: the page, the figures as SVG and PNG, its runs as CSV.
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Experiment } from '../model/experiment.js';
import { keptRuns } from '../store/kept-runs.js';
import { type ResultStore, writeResults } from '../store/result-store.js';
import type { FigureMaker, Results } from './chart.js';
import { csvOf } from './csv.js';
import { figureMakers } from './figures/built-in.js';
import { htmlOf } from './page.js';
import { pngOf } from './png.js';
import { comparables, summarise } from './summary.js';

export interface ReportOptions {
  readonly store: ResultStore;
  readonly title: string;
  readonly description?: string;
  /**
   * Its runs alone are reported, with its methods in their order, the first being what the others are compared with.
   * When not given: all runs, and the methods as met.
   */
  readonly experiment?: Experiment;
  /** After those that are built in. */
  readonly figures?: readonly FigureMaker[];
}

const folder = 'figures';

export interface WrittenReport {
  /** Its path. */
  readonly page: string;
  /** How many runs lie in the folder that the report leaves out. */
  readonly others: number;
}

/** One that is there already is replaced as a whole, or stays. */
export function writeReport(options: ReportOptions): WrittenReport {
  const { store, title, description = '', experiment, ...given } = options;
  const { runs, others } = keptRuns(store, experiment);
  const met = new Set(runs.map(({ cell }) => cell.method));
  const methods = (experiment?.methods ?? [...met]).filter((method) => met.has(method));
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
    [page, htmlOf({ title, description, runs, others, results, figures })],
    ['runs.csv', csvOf(runs)],
  ]);
  writeResults(store.directory, files, {
    what: 'The report',
    advice: 'The results are there: make room, and "fakedirty lab report" writes it.',
  });
  // Of another state of the results there may be other figures.
  for (const name of readdirSync(join(store.directory, folder))) {
    const figure = join(folder, name);
    if (!files.has(figure)) rmSync(join(store.directory, figure), { recursive: true });
  }
  return { page: join(store.directory, page), others };
}
