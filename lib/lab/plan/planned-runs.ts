// The runs of an experiment: every combination is a cell, each round measures all cells, in an order of its own.
import { keyOf } from '../../system/cache.js';
import type { Cell } from '../model/cell.js';
import { type Experiment, settingsOf } from '../model/experiment.js';
import type { PlannedRun, Run } from '../model/run.js';
import { pseudoRandom, shuffled } from './order.js';

/** Every combination that the experiment measures. */
export function cellsOf(experiment: Experiment): Cell[] {
  const { workloads, memoryMiB: sizes, methods, links } = experiment;
  return links.flatMap((link) =>
    sizes.flatMap((memoryMiB) =>
      workloads.flatMap((workload) =>
        methods.map((method) => ({ workload, memoryMiB, method, link })),
      ),
    ),
  );
}

/** Differs whenever two runs are not comparable: it stands for the cell, and for what the experiment says of all runs. */
function keyOfCell(cell: Cell, experiment: Experiment): string {
  return keyOf([cell, settingsOf(experiment)]).slice(0, 8);
}

/** The runs that are planned: others may lie beside them, from the experiment as it was before. */
export function plannedAmong(runs: readonly Run[], planned: readonly PlannedRun[]): Run[] {
  const ids = new Set(planned.map(({ id }) => id));
  return runs.filter(({ id }) => ids.has(id));
}

/** The runs that are still to be made; one that failed before is tried again. */
export function openRuns(planned: readonly PlannedRun[], ended: readonly Run[]): PlannedRun[] {
  const earlier = new Map(ended.map((run) => [run.id, run]));
  return planned.filter(({ id }) => !earlier.get(id)?.measurement);
}

/** All runs of an experiment, in the order in which they are made: each round measures every cell once. */
export function plannedRuns(experiment: Experiment): PlannedRun[] {
  const { seed, rounds, warmUps } = experiment;
  const cells = cellsOf(experiment);
  const numbers = Array.from({ length: warmUps + rounds }, (_, at) => at + 1 - warmUps);
  return numbers.flatMap((round) => {
    const random = pseudoRandom(seed * 1000 + round + warmUps);
    return shuffled(cells, random).map((cell) => {
      const cellKey = keyOfCell(cell, experiment);
      const { workload, memoryMiB, method } = cell;
      const when = round < 1 ? `w${1 - round}` : `r${round}`;
      return {
        id: `${workload.name}-${memoryMiB}m-${method}-${cellKey}-${when}`,
        cell,
        cellKey,
        round,
        warmUp: round < 1,
        seed: seed + round + warmUps,
      };
    });
  });
}
