// Which of the runs in a folder belong to the experiment. Others lie there when it was another at an earlier start:
// beside its own they would be taken for it, with another limit perhaps, or a method that it has no more.

import type { Experiment } from '../model/experiment.js';
import type { Run } from '../model/run.js';
import { plannedAmong, plannedRuns } from '../plan/planned-runs.js';
import { ResultError, type ResultStore } from './result-store.js';

export interface KeptRuns {
  readonly runs: readonly Run[];
  /** How many lie there that the experiment does not plan. */
  readonly others: number;
}

/** Without an experiment all of them belong together. */
export function keptRuns(store: ResultStore, experiment?: Experiment): KeptRuns {
  const all = store.runs();
  if (all.length === 0) throw new ResultError(`${store.directory} has no results of runs yet`);
  if (!experiment) return { runs: all, others: 0 };
  const runs = plannedAmong(all, plannedRuns(experiment));
  if (runs.length > 0) return { runs, others: all.length - runs.length };
  throw new ResultError(
    `None of the runs in ${store.directory} (${all.length}) is one that the experiment as it is now plans: run it ` +
      'again, or give the folder the experiment.yaml that they were made with',
  );
}

/** Undefined: there are none. */
export function othersText(others: number): string | undefined {
  return others > 0
    ? `Runs in the folder that the experiment as it is now does not plan: ${others}. They are left out.`
    : undefined;
}
