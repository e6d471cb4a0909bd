// The cells of an experiment: every combination that is measured, and the runs that measure them, in their
// order.
import { keyOf } from '../../../scripts/run/cache.mjs';
import type { Experiment } from '../model/experiment.js';
import { describeLink, type Link } from '../model/link.js';
import type { Run } from '../model/run.js';
import { pseudoRandom, shuffled } from './order.js';

export interface Cell {
  readonly workload: Experiment['workloads'][number];
  readonly memoryMiB: number;
  readonly method: string;
  readonly link: Link;
}

export interface PlannedRun {
  /** The name of its file. */
  readonly id: string;
  readonly cell: Cell;
  /** The same for all runs of a cell. */
  readonly cellKey: string;
  /** From 1; warm-ups count down to it from 0. */
  readonly round: number;
  readonly warmUp: boolean;
  /** For what is random in this run, where its workload is given no seed: the same for all cells of a round. */
  readonly seed: number;
}

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

export function describeCell({ workload, memoryMiB, method, link }: Cell): string {
  const options = Object.entries(workload.options).map(([name, value]) => `${name}=${value}`);
  const busy = [workload.name, ...options].join(' ');
  return `${busy}, ${memoryMiB} MiB, ${method}, ${describeLink(link)}`;
}

/** What the file of an experiment says of every run, besides its cell. */
export function settingsOf(experiment: Experiment): NonNullable<Run['settings']> {
  const { guest, sink, convergeSeconds, downtimeLimitMs, settleSeconds } = experiment;
  return { guest, sink, convergeSeconds, downtimeLimitMs, settleSeconds };
}

/** Whatever makes the results of two runs comparable: when it is another, so is the key. */
function keyOfCell(cell: Cell, experiment: Experiment): string {
  return keyOf([cell, settingsOf(experiment)]).slice(0, 8);
}

/** Those of the runs that are planned: others may lie beside them, of the experiment as it was. */
export function plannedAmong(runs: readonly Run[], planned: readonly PlannedRun[]): Run[] {
  const ids = new Set(planned.map(({ id }) => id));
  return runs.filter(({ id }) => ids.has(id));
}

/** All runs: each round measures every cell once, in another order each time. */
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
