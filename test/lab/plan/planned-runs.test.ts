// The runs of an experiment: which there are, and in which order.
import { describe, expect, it } from 'vitest';
import { parseExperiment } from '../../../lib/lab/catalogue/experiment-file.js';
import { describeCell } from '../../../lib/lab/model/cell.js';
import { cellsOf, plannedRuns } from '../../../lib/lab/plan/planned-runs.js';
import { catalogue, experimentText } from '../measurements.js';

const experiment = parseExperiment(experimentText, 'trial.yaml', catalogue);

describe('the runs of an experiment', () => {
  const runs = plannedRuns(experiment);

  it('measure every cell once in each round, warm-ups first', () => {
    const cells = cellsOf(experiment);
    expect(cells).toHaveLength(2 * 2 * 2);
    expect(runs).toHaveLength(cells.length * 3);
    for (const round of [0, 1, 2]) {
      const inRound = runs.filter((run) => run.round === round);
      expect(new Set(inRound.map(({ cell }) => describeCell(cell))).size).toBe(cells.length);
      expect(inRound.every(({ warmUp }) => warmUp === (round === 0))).toBe(true);
    }
    expect(new Set(runs.map(({ id }) => id)).size).toBe(runs.length);
    expect(runs.map(({ round }) => round)).toEqual([...runs.map(({ round }) => round)].sort());
  });

  it('have an order that depends only on the seed, and differs between rounds', () => {
    expect(plannedRuns(experiment)).toEqual(runs);
    const order = (list: typeof runs, round: number) =>
      list.filter((run) => run.round === round).map(({ cell }) => describeCell(cell));
    expect(order(runs, 1)).not.toEqual(order(runs, 2));
    expect(order(plannedRuns({ ...experiment, seed: 8 }), 1)).not.toEqual(order(runs, 1));
  });

  it('have other names when the experiment measures something else, so that old results are not mistaken for new ones', () => {
    const other = plannedRuns({ ...experiment, guest: { ...experiment.guest, processors: 2 } });
    const known = new Set(runs.map(({ id }) => id));
    expect(other.some(({ id }) => known.has(id))).toBe(false);
    // More rounds of the same experiment keep the earlier ones.
    const more = plannedRuns({ ...experiment, rounds: 3 });
    expect(more.filter(({ id }) => known.has(id))).toHaveLength(runs.length);
  });
});
