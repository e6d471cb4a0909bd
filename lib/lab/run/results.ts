// A folder of results as a whole: its runs, the experiment that they belong to, and its report.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Words } from '../../errors/wording.js';
import { builtIn } from '../catalogue/built-in.js';
import { parseExperiment } from '../catalogue/experiment-file.js';
import type { Experiment } from '../model/experiment.js';
import type { Run } from '../model/run.js';
import { loadCharts } from '../report/chart-packages.js';
import { type Comparable, comparables, summarise } from '../report/summary.js';
import type { WrittenReport } from '../report/write-report.js';
import { keptRuns } from '../store/kept-runs.js';
import { ResultStore } from '../store/result-store.js';

/** The name of the experiment's file in the folder of its results. */
export const experimentFileName = 'experiment.yaml';

/** The results of an experiment. */
export interface ExperimentResults {
  /** Undefined: the folder has no experiment.yaml. */
  readonly experiment: Experiment | undefined;
  /** The runs that the experiment plans; all runs if there is no experiment. */
  readonly runs: readonly Run[];
  /** How many other runs are in the folder. */
  readonly others: number;
  /** The measured runs in groups of cells that differ only in their method; the first of each is the baseline. */
  readonly groups: readonly Comparable[];
}

function readExperiment(directory: string, catalogue = builtIn): Experiment | undefined {
  const file = join(directory, experimentFileName);
  return existsSync(file)
    ? parseExperiment(readFileSync(file, 'utf8'), file, catalogue)
    : undefined;
}

/** Reads a folder of results. Its experiment may need workloads and methods that only `catalogue` has. */
export function readResults(directory: string, catalogue = builtIn): ExperimentResults {
  const experiment = readExperiment(directory, catalogue);
  const { runs, others } = keptRuns(new ResultStore(directory), experiment);
  const methods = experiment?.methods ?? [...new Set(runs.map(({ cell }) => cell.method))];
  return { experiment, runs, others, groups: comparables(summarise(runs), methods) };
}

/** Loads what draws reports. Throws a MissingPackageError when it is not installed, which says what to do otherwise. */
export function loadReportWriter(otherwise?: Words) {
  return loadCharts(() => import('../report/write-report.js'), otherwise);
}

/** Writes the report of a folder of results, with the figures of `catalogue` after the built-in ones. */
export async function writeReport(directory: string, catalogue = builtIn): Promise<WrittenReport> {
  const store = new ResultStore(directory);
  const experiment = readExperiment(directory, catalogue);
  const writer = await loadReportWriter().catch((error) => {
    // Nobody need install packages for a folder that has nothing to report.
    keptRuns(store, experiment);
    throw error;
  });
  const { figures } = catalogue;
  if (!experiment) return writer.writeReport({ store, title: 'Results of an experiment', figures });
  const { name, description } = experiment;
  const title = `Experiment: ${name}`;
  return writer.writeReport({ store, title, description, experiment, figures });
}
