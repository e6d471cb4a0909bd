// What an experiment is: the file that describes it, checked where it is read. Whatever is wrong is said
// with its line.

import { LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { FakedirtyError } from '../../errors/error.js';
import { mebibyte } from '../../format/bytes.js';
import { builtIn, type Catalogue } from '../catalogue/catalogue.js';
import { linkSchema } from './link.js';

/** Of guest memory: less does not boot with every workload, more does not fit. */
const [leastMiB, mostMiB] = [256, 16384];

const whole = z.number().int();
/** Without these nothing can be said of the sizes of workloads. Undefined: the file as a whole. */
const partsOfSizes = new Set<PropertyKey | undefined>([
  'workloads',
  'memoryMiB',
  'guest',
  undefined,
]);

function problemOf(attempt: () => unknown): string | undefined {
  try {
    attempt();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function workloadSchema(catalogue: Catalogue) {
  return z
    .union([
      z.string().transform((name) => ({ name, options: {} })),
      z.strictObject({ name: z.string(), options: z.record(z.string(), z.unknown()).default({}) }),
    ])
    .superRefine(({ name }, context) => {
      const message = problemOf(() => catalogue.workload(name));
      if (message) context.addIssue({ code: 'custom', message });
    });
}

const guestSchema = z.strictObject({
  processors: whole.min(1).max(16).default(1),
  /** Those kinds that both sides can be compared in. */
  memory: z.enum(['file', 'memfd', 'huge-pages']).default('file'),
  /** auto: the faster one of those that boot a guest on this machine. */
  accelerator: z.enum(['auto', 'tcg', 'kvm']).default('auto'),
});

function noTwoAlike<Item>(items: readonly Item[], context: z.RefinementCtx): void {
  const seen = new Set<string>();
  items.forEach((item, at) => {
    const text = JSON.stringify(item);
    if (seen.has(text)) {
      context.addIssue({ code: 'custom', path: [at], message: 'it is there already' });
    }
    seen.add(text);
  });
}

function experimentShape(catalogue: Catalogue) {
  return z.strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'expected small letters, digits and hyphens'),
    description: z.string().default(''),
    /** Of the order of the runs; each round has one of its own for its workloads. */
    seed: whole.nonnegative().default(1),
    /** How often each cell is measured. */
    rounds: whole.min(1).max(1000).default(3),
    /** Rounds before those, whose results are kept and not counted. */
    warmUps: whole.min(0).max(10).default(1),
    workloads: z.array(workloadSchema(catalogue)).min(1).superRefine(noTwoAlike),
    memoryMiB: z.array(whole.min(leastMiB).max(mostMiB)).min(1).superRefine(noTwoAlike),
    methods: z
      .array(z.enum(catalogue.methods.map(({ name }) => name)))
      .min(1)
      .superRefine(noTwoAlike),
    links: z
      .array(linkSchema)
      .min(1)
      .default([linkSchema.parse({})])
      .superRefine(noTwoAlike),
    guest: guestSchema.prefault({}),
    /** The stream goes nowhere: for counting pages alone, with half the memory. */
    sink: z.boolean().default(false),
    /** A migration that has not ended by then is stopped and copied: plain pre-copy may never end. */
    convergeSeconds: z.number().min(1).max(3600).default(60),
    downtimeLimitMs: whole.min(1).max(10_000).default(300),
    /** How long a workload works before its guest moves. */
    settleSeconds: z.number().min(0).max(3600).default(2),
    /** A run that takes longer has failed. */
    timeLimitSeconds: z.number().min(1).max(86_400).default(600),
    /** How often a run that failed is tried again. */
    retries: whole.min(0).max(10).default(1),
  });
}

export type Experiment = z.output<ReturnType<typeof experimentShape>>;

/** For an experiment that is made of these. */
function experimentSchema(catalogue: Catalogue) {
  return experimentShape(catalogue).superRefine(
    ({ workloads, memoryMiB, guest: { processors } }, context) => {
      workloads.forEach(({ name, options }, at) => {
        const workload = catalogue.workload(name);
        const problems = memoryMiB.map((mebibytes) => {
          const memoryBytes = mebibytes * mebibyte;
          const surroundings = { memoryBytes, processors, address: '10.0.0.1', seed: 1 };
          return problemOf(() => workload.commands(options, surroundings));
        });
        // What is wrong whatever the memory is said once.
        for (const message of new Set(problems)) {
          if (message) context.addIssue({ code: 'custom', path: ['workloads', at], message });
        }
      });
    },
    // Beside what is wrong elsewhere in the file.
    { when: ({ issues }) => issues.every(({ path = [] }) => !partsOfSizes.has(path[0])) },
  );
}

/** The file that describes an experiment is no such file. */
export class ExperimentError extends FakedirtyError {
  override readonly name = 'ExperimentError';
  override readonly code = 'ERR_EXPERIMENT';

  constructor(
    file: string,
    /** Each with its line. */
    readonly problems: readonly string[],
  ) {
    super(`${file} describes no experiment:\n${problems.map((text) => `  ${text}`).join('\n')}`);
  }
}

/** `file` is for messages. */
export function parseExperiment(text: string, file: string, catalogue = builtIn): Experiment {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const lineAt = (offset: number) => `line ${lines.linePos(offset).line}`;
  if (document.errors.length > 0) {
    const problems = document.errors.map(({ pos, message }) => `${lineAt(pos[0])}: ${message}`);
    throw new ExperimentError(file, problems);
  }
  const { success, data, error } = experimentSchema(catalogue).safeParse(document.toJS());
  if (success) return data;
  const problems = error.issues.map(({ path, message }) => {
    // What is not there has no line; what it belongs to has.
    for (let depth = path.length; depth >= 0; depth -= 1) {
      const node: unknown = document.getIn(path.slice(0, depth), true);
      const range = (node as { range?: [number, number, number] } | undefined)?.range;
      if (range) return `${lineAt(range[0])}: ${path.join('.') || 'the file'}: ${message}`;
    }
    return `${path.join('.') || 'the file'}: ${message}`;
  });
  throw new ExperimentError(file, problems);
}
