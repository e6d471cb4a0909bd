// What an experiment is. Whether its workloads and methods exist, and take these options, is for the catalogue to check.
import { z } from 'zod';
import { cellSchema, type WorkloadChoice, workloadChoiceSchema } from './cell.js';
import { type Link, linkSchema } from './link.js';

/** The guest that is migrated. */
export interface GuestSettings {
  /** How many virtual CPUs it has. */
  readonly processors: number;
  /** Where guest memory lies: all of these can be compared between both sides. */
  readonly memory: 'file' | 'memfd' | 'huge-pages';
  /** auto: the fastest that boots a guest on this machine, for Linux guests and bare guests separately. */
  readonly accelerator: 'auto' | 'tcg' | 'kvm';
}

const guestSchema = z.strictObject({
  processors: z.int().min(1).max(16),
  memory: z.enum(['file', 'memfd', 'huge-pages']),
  accelerator: z.enum(['auto', 'tcg', 'kvm']),
}) satisfies z.ZodType<GuestSettings>;

/** What holds for every run of an experiment, whatever its cell. */
export interface RunSettings {
  /** The guest that is migrated. */
  readonly guest: GuestSettings;
  /** There is no destination and the stream is discarded: for counting pages, with half the memory. */
  readonly sink: boolean;
  /** A migration that has not converged by then is stopped and copied: plain pre-copy may never converge. */
  readonly convergeSeconds: number;
  /** The downtime that QEMU may cause at the end of a migration. */
  readonly downtimeLimitMs: number;
  /** How long a workload runs before its guest is migrated. */
  readonly settleSeconds: number;
}

/** The same, checked. */
export const runSettingsSchema = z.strictObject({
  guest: guestSchema,
  sink: z.boolean(),
  convergeSeconds: z.number().min(1).max(3600),
  downtimeLimitMs: z.int().min(1).max(10_000),
  settleSeconds: z.number().min(0).max(3600),
}) satisfies z.ZodType<RunSettings>;

/** A list of one or more items, none of them twice. */
export function listOf<Item extends z.ZodType>(item: Item) {
  return z
    .array(item)
    .min(1)
    .superRefine((items, context) => {
      const seen = new Set<string>();
      items.forEach((each, at) => {
        const text = JSON.stringify(each);
        if (seen.has(text)) {
          context.addIssue({ code: 'custom', path: [at], message: 'duplicate entry' });
        }
        seen.add(text);
      });
    });
}

/** A workload of an experiment: its name alone, or its name and options. */
export const workloadEntrySchema = z.union([
  z.string().transform((name) => workloadChoiceSchema.parse({ name })),
  workloadChoiceSchema,
]);

const { shape: settings } = runSettingsSchema;

/** An experiment: what is combined with what, how often, and within which limits. */
export interface Experiment extends RunSettings {
  /** Lower-case letters, digits and hyphens: results are kept under it. */
  readonly name: string;
  /** What it is for, in words: the report has it. */
  readonly description: string;
  /** Decides the order of the runs, and what workloads do at random: something else in each round. */
  readonly seed: number;
  /** How often each cell is measured. */
  readonly rounds: number;
  /** Rounds before those, whose results are kept but not counted. */
  readonly warmUps: number;
  /** What the guests do. */
  readonly workloads: WorkloadChoice[];
  /** Sizes of guest memory. */
  readonly memoryMiB: number[];
  /** Names of methods. The first is the one that the others are compared with. */
  readonly methods: string[];
  /** Links between the two hosts. */
  readonly links: Link[];
  /** A run that takes longer has failed. */
  readonly timeLimitSeconds: number;
  /** How often a run that failed is tried again. */
  readonly retries: number;
}

/** The same, checked. */
export const experimentSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'expected lower-case letters, digits and hyphens'),
  description: z.string().default(''),
  seed: z.int().nonnegative().default(1),
  rounds: z.int().min(1).max(1000).default(3),
  warmUps: z.int().min(0).max(10).default(1),
  workloads: listOf(workloadEntrySchema),
  memoryMiB: listOf(cellSchema.shape.memoryMiB),
  methods: listOf(cellSchema.shape.method),
  links: listOf(linkSchema).default([linkSchema.parse({})]),
  guest: z
    .strictObject({
      processors: guestSchema.shape.processors.default(1),
      memory: guestSchema.shape.memory.default('file'),
      accelerator: guestSchema.shape.accelerator.default('auto'),
    })
    .prefault({}),
  sink: settings.sink.default(false),
  convergeSeconds: settings.convergeSeconds.default(60),
  downtimeLimitMs: settings.downtimeLimitMs.default(300),
  settleSeconds: settings.settleSeconds.default(2),
  timeLimitSeconds: z.number().min(1).max(86_400).default(600),
  retries: z.int().min(0).max(10).default(1),
}) satisfies z.ZodType<Experiment>;

/** What the experiment says of every run, besides its cell. */
export function settingsOf(experiment: Experiment): RunSettings {
  const { guest, sink, convergeSeconds, downtimeLimitMs, settleSeconds } = experiment;
  return { guest, sink, convergeSeconds, downtimeLimitMs, settleSeconds };
}
