// All samples of a run, and what they say of the goals.
import { z } from 'zod';
import { median, spread } from '../../lib/statistics/samples.js';
import { sampleSchema } from './sample.js';
import { type Goal, type Scenario, scenarios } from './scenarios.js';

export const costSchema = z.object({
  format: z.literal('fakedirty-qemu-cost-1'),
  date: z.string(),
  processor: z.string(),
  processors: z.number(),
  patched: z.string(),
  unpatched: z.string(),
  rounds: z.number(),
  samples: z.array(
    z.object({
      scenario: z.string(),
      contestant: z.string(),
      round: z.number(),
      sample: sampleSchema,
    }),
  ),
});

export type Cost = z.infer<typeof costSchema>;
export type Sample = Cost['samples'][number]['sample'];

export interface Judged {
  readonly scenario: string;
  readonly goal: Goal;
  readonly value: number;
  readonly reached: boolean;
}

const figures: Record<Goal['figure'], (sample: Sample) => number> = {
  'total time': ({ totalMs }) => totalMs,
  'bytes after': ({ bytesAfter }) => bytesAfter,
  'time after': ({ msAfter }) => msAfter,
  'filter a page': ({ filter }) => filter?.nsPerPage ?? Number.NaN,
};

export function samplesOf(cost: Cost, scenario: Scenario, contestant: string): Sample[] {
  return cost.samples
    .filter((entry) => entry.scenario === scenario.name && entry.contestant === contestant)
    .map(({ sample }) => sample);
}

export interface Summary {
  readonly median: number;
  readonly spread: number;
}

export function summaryOf(samples: readonly Sample[], figure: (sample: Sample) => number): Summary {
  const values = samples.map(figure);
  return { median: median(values), spread: spread(values) };
}

/** Nanoseconds for a page of the filter; the rest as a multiple of the first contestant's. */
function medianOf(cost: Cost, scenario: Scenario, { figure, contestant }: Goal): number {
  const of = (name: string) => median(samplesOf(cost, scenario, name).map(figures[figure]));
  if (figure === 'filter a page') return of(contestant);
  return of(contestant) / of(scenario.contestants[0]?.name ?? '');
}

export function judge(cost: Cost): Judged[] {
  return scenarios
    .filter(({ name }) => cost.samples.some(({ scenario }) => scenario === name))
    .flatMap((scenario) =>
      scenario.goals.map((goal) => {
        const value = medianOf(cost, scenario, goal);
        return { scenario: scenario.name, goal, value, reached: value <= goal.max };
      }),
    );
}
