// A cell of an experiment: one combination of workload, memory size, method and link.
import { z } from 'zod';
import { describeLink, linkSchema } from './link.js';

/** Less does not boot with every workload, more does not fit. */
const [minMiB, maxMiB] = [256, 16384];

/** A workload by its name, and the options that it is given. */
export interface WorkloadChoice {
  /** Its name in the catalogue. */
  readonly name: string;
  /** Its options, by their names; `fakedirty lab list` has them. */
  readonly options: Record<string, unknown>;
}

/** The same, checked. */
export const workloadChoiceSchema = z.strictObject({
  name: z.string(),
  options: z.record(z.string(), z.unknown()).default({}),
}) satisfies z.ZodType<WorkloadChoice>;

/** One combination that an experiment measures. */
export const cellSchema = z.strictObject({
  workload: workloadChoiceSchema,
  /** Guest memory. */
  memoryMiB: z.int().min(minMiB).max(maxMiB),
  /** The name of the method. */
  method: z.string(),
  link: linkSchema,
});

/** One combination that an experiment measures. */
export interface Cell extends Readonly<z.output<typeof cellSchema>> {}

/** The cell in one line, for people. */
export function describeCell(cell: Cell): string {
  const { workload, memoryMiB, method, link } = cell;
  const options = Object.entries(workload.options).map(([name, value]) => `${name}=${value}`);
  const workloadText = [workload.name, ...options].join(' ');
  return `${workloadText}, ${memoryMiB} MiB, ${method}, ${describeLink(link)}`;
}
