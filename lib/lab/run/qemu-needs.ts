// What the methods of an experiment need of the QEMU, asked before the first run: a QEMU that lacks it would fail in every
// run of the method, after a guest has booted.

import { messageOf } from '../../errors/message-of.js';
import { mebibyte } from '../../format/bytes.js';
import type { MigrateOptions } from '../../migration/options.js';
import { parseMigrateOptions } from '../../migration/options.js';
import { planSettings } from '../../migration/plan-settings.js';
import { type QemuSetup, readQemuSetup } from '../../migration/qemu-setup.js';
import { type Accelerator, Machine } from '../../qemu/machine/machine.js';
import { Workspace } from '../../system/workspace.js';
import type { Catalogue } from '../catalogue/catalogue.js';
import type { Method } from '../methods/method.js';
import type { PlannedRun } from '../model/run.js';
import { UnmetNeedsError } from './needs.js';

const ramBytes = 16 * mebibyte;
/** As runs migrate; nobody is there. */
const to = 'unix:/nowhere';

/** The methods of which runs, and the QEMU that is to make them. */
export interface QemuNeedsOptions {
  readonly binary: string;
  readonly accelerator: Accelerator;
  /** The runs that are going to be made. */
  readonly runs: readonly PlannedRun[];
  readonly catalogue: Catalogue;
}

/** Starts that QEMU without a guest, and reads what it can do. */
async function setupOf(
  { binary, accelerator }: QemuNeedsOptions,
  further: readonly string[] = [],
): Promise<QemuSetup> {
  const workspace = Workspace.create(ramBytes);
  let machine: Machine | undefined;
  try {
    machine = await Machine.start({
      ...{ name: 'probe', binary, accelerator, workspace, ramBytes, arguments: further },
    });
    return await readQemuSetup(machine.qmp);
  } finally {
    await machine?.kill();
    workspace.remove();
  }
}

function missingFor(method: Method, memoryBytes: number, setup: QemuSetup): readonly string[] {
  const options: MigrateOptions = { ...method.options(memoryBytes), to };
  return planSettings(parseMigrateOptions(options), setup, undefined).problems.map(String);
}

/** Why this QEMU does not start with what a method adds to its command line. */
async function refusalOf(method: Method, options: QemuNeedsOptions): Promise<readonly string[]> {
  if (method.sourceArguments === undefined) return [];
  try {
    await setupOf(options, method.sourceArguments);
    return [];
  } catch (error) {
    return [messageOf(error)];
  }
}

/** Throws when the QEMU lacks something that a method of these runs needs; the error names all such methods. */
export async function checkQemu(options: QemuNeedsOptions): Promise<void> {
  const { binary, runs, catalogue } = options;
  const memoryMiB = new Map(runs.map(({ cell }) => [cell.method, cell.memoryMiB]));
  if (memoryMiB.size === 0) return;
  const setup = await setupOf(options);
  const methodsBy = new Map<string, string[]>();
  for (const [name, mebibytes] of memoryMiB) {
    const method = catalogue.method(name);
    const missing = missingFor(method, mebibytes * mebibyte, setup);
    const problems = missing.length > 0 ? missing : await refusalOf(method, options);
    for (const problem of problems)
      methodsBy.set(problem, [...(methodsBy.get(problem) ?? []), name]);
  }
  if (methodsBy.size === 0) return;
  throw new UnmetNeedsError(
    [...methodsBy].map(([problem, names]) => {
      const which = `The ${names.length === 1 ? 'method' : 'methods'} ${names.sort().join(', ')}`;
      return `${which} can't be run with ${binary}: ${problem}`;
    }),
  );
}
