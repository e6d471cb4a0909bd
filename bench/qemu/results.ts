// All samples of a run, and what they say of the goals.
import { z } from 'zod';
import { median, pairedRatio, type Ratio, spread } from '../../lib/statistics/samples.js';
import { sampleSchema } from './sample.js';
import { type Figure, type Goal, type Scenario, scenarios } from './scenarios.js';

export const costSchema = z.object({
  format: z.literal('fakedirty-qemu-cost-2'),
  date: z.string(),
  processor: z.string(),
  processors: z.number(),
  patched: z.string(),
  unpatched: z.string(),
  /** Where the guests ran. */
  place: z.string(),
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
  readonly interval?: Ratio;
  readonly reached: boolean;
}

/** A look at all pages, three times: what it has shown, what has been marked meanwhile, and a last one. */
const looks = 3;

function msButLooks({ msAfter, filter, pages }: Sample): number {
  return msAfter - (looks * pages * (filter?.nsPerPage ?? Number.NaN)) / 1e6;
}

const figures: Record<Figure, (sample: Sample) => number> = {
  'total time': ({ totalMs }) => totalMs,
  'bytes after': ({ bytesAfter }) => bytesAfter,
  'pages again': ({ pagesAgain = Number.NaN }) => pagesAgain,
  'time after': ({ msAfter }) => msAfter,
  'time after, 95 %': ({ msAfter }) => msAfter,
  'filter a page': ({ filter }) => filter?.nsPerPage ?? Number.NaN,
  'time after but three looks': msButLooks,
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

const units: Partial<Record<Figure, string>> = {
  'filter a page': 'ns',
  'time after but three looks': 'ms',
};

/** What a goal's figure is measured in. */
export function unitOf({ figure }: Goal): string {
  return units[figure] ?? 'x';
}

/** What is judged, and the interval in which it lies where that is known. */
function figureOf(cost: Cost, scenario: Scenario, goal: Goal) {
  const of = (name: string) => samplesOf(cost, scenario, name).map(figures[goal.figure]);
  const [values, first] = [of(goal.contestant), of(scenario.contestants[0]?.name ?? '')];
  if (goal.figure === 'time after, 95 %') {
    const ratio = pairedRatio(values, first);
    return { value: ratio?.atMost ?? Number.NaN, ...(ratio ? { interval: ratio } : {}) };
  }
  return { value: unitOf(goal) === 'x' ? median(values) / median(first) : median(values) };
}

export function judge(cost: Cost): Judged[] {
  return scenarios
    .filter(({ name }) => cost.samples.some(({ scenario }) => scenario === name))
    .flatMap((scenario) =>
      scenario.goals.map((goal) => {
        const valued = figureOf(cost, scenario, goal);
        return { scenario: scenario.name, goal, ...valued, reached: valued.value <= goal.max };
      }),
    );
}

/** The text of its file: a line for each migration, which takes half the room of a line for each number. */
export function costFile({ samples, ...facts }: Cost): string {
  const lines = samples.map((sample) => `    ${JSON.stringify(sample)}`);
  const head = JSON.stringify(facts, undefined, 2).slice(0, -'\n}'.length);
  return `${head},\n  "samples": [\n${lines.join(',\n')}\n  ]\n}\n`;
}
