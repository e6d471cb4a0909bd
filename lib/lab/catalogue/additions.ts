// Workloads, methods and figures of a file that somebody names: a module whose exports are lists of them.

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { FakedirtyError } from '../../errors/error.js';
import type { Method } from '../methods/method.js';
import type { FigureMaker } from '../report/chart.js';
import type { Workload } from '../workloads/workload.js';
import type { Additions, Catalogue } from './catalogue.js';

export class AdditionsError extends FakedirtyError {
  override readonly name = 'AdditionsError';
  override readonly code = 'ERR_ADDITIONS';
}

/** They are parts of the names of files. */
const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9.-]*$/, 'expected small letters, digits, hyphens and dots');

function callable<Kind>() {
  return z.custom<Kind>((value) => typeof value === 'function', 'expected a function');
}

const workload = z.looseObject({
  name,
  summary: z.string(),
  operation: z.string(),
  programs: z.array(z.string()),
  packaged: z.object({ packages: z.array(z.string()), programs: z.array(z.string()) }).optional(),
  scripts: z.array(z.string()).optional(),
  needsNetwork: z.boolean(),
  needsDisk: z.boolean().optional(),
  reports: z.enum(['guest', 'outside']),
  sender: z.enum(['guest', 'outside']),
  checks: z.object({ guest: z.boolean(), outside: z.boolean() }),
  livesBy: z.string().optional(),
  newReader: callable<Workload['newReader']>().optional(),
  bareGuest: callable<Workload['bareGuest']>().optional(),
  commands: callable<Workload['commands']>(),
});

const method = z.looseObject({
  name,
  summary: z.string(),
  needsFilter: z.boolean(),
  postcopy: z.boolean(),
  sourceArguments: z.array(z.string()).optional(),
  policy: callable<Method['policy']>().optional(),
  options: callable<Method['options']>(),
});

const additions = z
  .object({
    workloads: z.array(workload).optional(),
    methods: z.array(method).optional(),
    figures: z.array(callable<FigureMaker>()).optional(),
  })
  .refine(
    (exports) => Object.values(exports).some((list) => list !== undefined),
    'it exports no "workloads", no "methods" and no "figures"',
  );

async function read(file: string): Promise<Additions> {
  let exports: unknown;
  try {
    exports = await import(pathToFileURL(resolve(file)).href);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new AdditionsError(`${file} can’t be loaded: ${reason}`, { cause: error });
  }
  const { success, error } = additions.safeParse({ ...(exports as object) });
  if (!success) throw new AdditionsError(`${file}: ${z.prettifyError(error)}`);
  // What has been checked is what it is: its methods may need the rest of it.
  return exports as Additions;
}

/** The catalogue, and what these files bring along. */
export async function withAdditions(
  catalogue: Catalogue,
  files: readonly string[],
): Promise<Catalogue> {
  let all = catalogue;
  for (const file of files) {
    const brought = await read(file);
    for (const kind of ['workloads', 'methods'] as const) {
      const names = new Set(all[kind].map((each) => each.name));
      for (const { name } of brought[kind] ?? []) {
        if (names.has(name)) {
          throw new AdditionsError(`${file}: ${name} is the name of another of the ${kind}`);
        }
        names.add(name);
      }
    }
    all = all.with(brought);
  }
  return all;
}
