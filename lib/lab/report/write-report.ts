// Makes the report of a folder of results: the page, the figures as SVG and PNG, all runs as CSV.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ResultError, type ResultStore } from '../results/store.js';
import { comparables, summarise } from '../results/summary.js';
import { writeWhole } from '../results/whole-files.js';
import { csvOf } from './csv.js';
import type { Results } from './drawing.js';
import { figureMakers } from './figures/all.js';
import { htmlOf } from './html.js';
import { pngOf } from './png.js';

export interface ReportOptions {
  readonly store: ResultStore;
  readonly title: string;
  readonly description?: string;
  /** In their order, the first being what the others are compared with; as met, when not given. */
  readonly methods?: readonly string[];
}

/** Answers the path of the page. */
export function writeReport({ store, title, description = '', ...given }: ReportOptions): string {
  const runs = store.runs();
  if (runs.length === 0) throw new ResultError(`${store.directory} has no results of runs yet`);
  const met = new Set(runs.map(({ cell }) => cell.method));
  const methods = (given.methods ?? [...met]).filter((method) => met.has(method));
  const cells = summarise(runs);
  const results: Results = { cells, groups: comparables(cells, methods), methods };
  const figures = figureMakers.flatMap((make) => make(results));
  const folder = join(store.directory, 'figures');
  // Of another state of the results there may be other figures.
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const files = figures.flatMap(({ id, svg }): [string, string | Uint8Array][] => [
    [`${id}.svg`, svg],
    [`${id}.png`, pngOf(svg)],
  ]);
  writeWhole(folder, new Map(files));
  const page = 'index.html';
  writeWhole(
    store.directory,
    new Map([
      [page, htmlOf({ title, description, runs, results, figures })],
      ['runs.csv', csvOf(runs)],
    ]),
  );
  return join(store.directory, page);
}
