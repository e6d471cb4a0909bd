// Workloads, methods and figures of your own: a module that exports lists of them.

import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { FakedirtyError } from '../../errors/error.js';
import { messageOf } from '../../errors/message-of.js';
import type { Method } from '../methods/method.js';
import { loadCharts, MissingPackageError } from '../report/chart-packages.js';
import type { FigureMaker } from '../report/figure.js';
import type { Workload } from '../workloads/workload.js';
import type { Additions, Catalogue } from './catalogue.js';

/** A module with workloads, methods or figures of your own is wrong. */
export class AdditionsError extends FakedirtyError {
  override readonly name = 'AdditionsError';
  override readonly code = 'ERR_ADDITIONS';
}

/** Names become parts of file names. */
const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9.-]*$/, 'expected lower-case letters, digits, hyphens and dots');

function callable<Kind>() {
  return z.custom<Kind>((value) => typeof value === 'function', 'expected a function');
}

/** For every property of a type, the schema that checks it: a property without one does not compile. */
type Checks<Type> = { readonly [Name in keyof Required<Type>]: z.ZodType };

const side = z.enum(['guest', 'outside']);
const workload = z.looseObject({
  name,
  summary: z.string(),
  operation: z.string(),
  programs: z.array(z.string()),
  packaged: z.object({ packages: z.array(z.string()), programs: z.array(z.string()) }).optional(),
  scripts: z.array(z.string()).optional(),
  needsNetwork: z.boolean(),
  needsDisk: z.boolean().optional(),
  reports: side,
  sender: side,
  checks: z.object({ guest: z.boolean(), outside: z.boolean() }),
  livesBy: z.string().optional(),
  idles: z.boolean().optional(),
  newReader: callable<Workload['newReader']>().optional(),
  bareGuest: callable<Workload['bareGuest']>().optional(),
  commands: callable<Workload['commands']>(),
} satisfies Checks<Workload>);

const method = z.looseObject({
  name,
  summary: z.string(),
  needsFilter: z.boolean(),
  postcopy: z.boolean(),
  sourceArguments: z.array(z.string()).optional(),
  policy: callable<Method['policy']>().optional(),
  choose: callable<Method['choose']>().optional(),
  options: callable<Method['options']>(),
} satisfies Checks<Method>);

const additions = z
  .object({
    workloads: z.array(workload).optional(),
    methods: z.array(method).optional(),
    figures: z.array(callable<FigureMaker>()).optional(),
  } satisfies Checks<Additions>)
  .refine(
    (exports) => Object.values(exports).some((list) => list !== undefined),
    'it exports no "workloads", no "methods" and no "figures"',
  );

async function load(file: string): Promise<Additions> {
  let exports: unknown;
  try {
    exports = await loadCharts(() => import(pathToFileURL(resolve(file)).href));
  } catch (error) {
    if (error instanceof MissingPackageError) throw error;
    const reason = messageOf(error);
    throw new AdditionsError(`${file} can't be loaded: ${reason}`, { cause: error });
  }
  const { success, error } = additions.safeParse({ ...(exports as object) });
  if (!success) throw new AdditionsError(`${file}: ${z.prettifyError(error)}`);
  // The checked copy is not used: methods may need `this` to be the original object.
  return exports as Additions;
}

/** The catalogue with what these modules export. Throws when a module is wrong, or a name is taken. */
export async function withAdditions(
  catalogue: Catalogue,
  files: readonly string[],
): Promise<Catalogue> {
  let all = catalogue;
  for (const file of files) {
    const added = await load(file);
    for (const kind of ['workloads', 'methods'] as const) {
      const names = new Set(all[kind].map((each) => each.name));
      for (const { name: given } of added[kind] ?? []) {
        if (names.has(given)) {
          throw new AdditionsError(`${file}: there is already a ${kind.slice(0, -1)} ${given}`);
        }
        names.add(given);
      }
    }
    all = all.with(added);
  }
  return all;
}
