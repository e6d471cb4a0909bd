// What a run of the benchmark leaves behind: one schema, by which it is written and read.
import { z } from 'zod';
import { algorithmNames } from '../../lib/index.js';
import { machineSchema } from '../../lib/lab/model/machine.js';
import { contentNames } from '../contents.js';
import { modes, packageNames } from '../implementations/implementation.js';

const positive = z.number().positive();
const counted = z.int().positive();

const row = z.strictObject({
  algorithm: z.enum(algorithmNames),
  package: z.enum(packageNames),
  mode: z.enum(modes),
  contents: z.enum(contentNames),
  pageSizeBytes: counted,
  pagesPerCall: counted,
  /** One a round: the median of that process's samples. */
  nsPerPage: z.array(positive).min(1),
});

const goal = z.strictObject({
  name: z.string(),
  /** 'ratio': how many times as fast, at least; 'ns': how many more nanoseconds a page, at most. */
  kind: z.enum(['ratio', 'ns']),
  bound: z.number().nullable(),
  /** One a round: the median of that process's pairs. */
  found: z.array(z.number()).min(1),
});

export const runSchema = z.strictObject({
  format: z.literal('fakedirty-bench-1'),
  startedAt: z.iso.datetime(),
  machine: machineSchema.extend({ target: z.string() }),
  settings: z.strictObject({
    quick: z.boolean(),
    rounds: counted,
    samplingMs: positive,
    workingSetBytes: counted,
  }),
  rows: z.array(row),
  goals: z.array(goal),
});

export type Run = z.output<typeof runSchema>;
export type Row = z.output<typeof row>;
export type Goal = z.output<typeof goal>;
export type Machine = Run['machine'];
