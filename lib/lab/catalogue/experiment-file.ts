// The file of an experiment: YAML, checked where it is read. Every problem is reported with its line.

import { z } from 'zod';
import { FakedirtyError } from '../../errors/error.js';
import { mebibyte } from '../../format/bytes.js';
import { checkedYaml } from '../../format/checked-yaml.js';
import {
  type Experiment,
  experimentSchema,
  listOf,
  workloadEntrySchema,
} from '../model/experiment.js';
import { builtIn } from './built-in.js';
import type { Catalogue } from './catalogue.js';

/** If one of these is wrong, the sizes of workloads can't be checked. Undefined: the file as a whole. */
const neededForSizes = new Set<PropertyKey | undefined>([
  'workloads',
  'memoryMiB',
  'guest',
  undefined,
]);

/** The message of what `attempt` throws; undefined: nothing. */
function problemOf(attempt: () => unknown): string | undefined {
  try {
    attempt();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** An experiment whose workloads and methods are in the catalogue, and take their options with every memory size. */
function schemaFor(catalogue: Catalogue) {
  const entry = workloadEntrySchema.superRefine(({ name }, context) => {
    const message = problemOf(() => catalogue.workload(name));
    if (message) context.addIssue({ code: 'custom', message });
  });
  const known = experimentSchema.extend({
    workloads: listOf(entry),
    methods: listOf(z.enum(catalogue.methods.map(({ name }) => name))),
  });
  return known.superRefine(
    ({ workloads, memoryMiB, guest: { processors } }, context) => {
      workloads.forEach(({ name, options }, at) => {
        const workload = catalogue.workload(name);
        const problems = memoryMiB.map((mebibytes) => {
          const memoryBytes = mebibytes * mebibyte;
          const environment = { memoryBytes, processors, address: '10.0.0.1', seed: 1 };
          return problemOf(() => workload.commands(options, environment));
        });
        // A problem that does not depend on the memory is reported once.
        for (const message of new Set(problems)) {
          if (message) context.addIssue({ code: 'custom', path: ['workloads', at], message });
        }
      });
    },
    // Together with problems elsewhere in the file.
    { when: ({ issues }) => issues.every(({ path = [] }) => !neededForSizes.has(path[0])) },
  );
}

/** This is not a valid experiment file. */
export class ExperimentError extends FakedirtyError {
  override readonly name = 'ExperimentError';
  override readonly code = 'ERR_EXPERIMENT';

  constructor(
    file: string,
    /** What is wrong, each with its line. */
    readonly problems: readonly string[],
  ) {
    const list = problems.map((text) => `  ${text}`).join('\n');
    super(`${file} is not a valid experiment file:\n${list}`);
  }
}

/** Reads the text of an experiment file. `file` is its name in messages. */
export function parseExperiment(text: string, file: string, catalogue = builtIn): Experiment {
  const read = checkedYaml(text, schemaFor(catalogue));
  if ('problems' in read) throw new ExperimentError(file, read.problems);
  return read.value;
}
