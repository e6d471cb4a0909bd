// Which of the runs in a folder belong to the experiment. Others lie there if the experiment was a different one at an
// earlier start, with another limit or one more method: mixed with its own runs they would be mistaken for them.

import { plural } from '../../format/plural.js';
import type { Experiment } from '../model/experiment.js';
import type { Run } from '../model/run.js';
import { plannedAmong, plannedRuns } from '../plan/planned-runs.js';
import { ResultError } from './result-error.js';
import type { ResultStore } from './result-store.js';

/** The runs of a folder that belong to an experiment. */
export interface KeptRuns {
  readonly runs: readonly Run[];
  /** How many other runs are in the folder, which the experiment does not plan. */
  readonly others: number;
}

/** The runs that the experiment plans; without an experiment, all of them. */
export function keptRuns(store: ResultStore, experiment?: Experiment): KeptRuns {
  const all = store.runs();
  if (all.length === 0) throw new ResultError(`${store.directory} has no results of runs yet`);
  if (!experiment) return { runs: all, others: 0 };
  const runs = plannedAmong(all, plannedRuns(experiment));
  if (runs.length > 0) return { runs, others: all.length - runs.length };
  throw new ResultError(
    `${store.directory} has ${plural(all.length, 'run')}, but none that the experiment plans: run it again, or put ` +
      'the experiment.yaml back that they were made with',
  );
}

/** A warning about runs that are left out; undefined: there are none. */
export function othersText(others: number): string | undefined {
  return others > 0
    ? `Runs in the folder that the experiment does not plan: ${others}. They are left out.`
    : undefined;
}
