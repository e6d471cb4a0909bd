// What runs need of this machine and of its user, checked before the first of them: if something is missing, every attempt
// would fail, some only after a guest has booted.

import { FakedirtyError } from '../../errors/error.js';
import { messageOf } from '../../errors/message-of.js';
import { mebibyte } from '../../format/bytes.js';
import { Workspace } from '../../system/workspace.js';
import type { Catalogue } from '../catalogue/catalogue.js';
import { guestAddress } from '../guest/linux-guest.js';
import { createHosts, whyNoNetwork } from '../hosts/create-hosts.js';
import type { HostsKind } from '../hosts/host.js';
import type { Cell } from '../model/cell.js';
import type { Experiment } from '../model/experiment.js';
import type { Link } from '../model/link.js';
import type { PlannedRun } from '../model/run.js';
import { cellsOf } from '../plan/planned-runs.js';
import { networkNeededBy } from '../workloads/workload.js';

/** The runs whose needs are checked. */
export interface NeedsOptions {
  readonly experiment: Experiment;
  /** The runs that are going to be made. */
  readonly runs: readonly PlannedRun[];
  readonly catalogue: Catalogue;
  readonly kind?: HostsKind;
}

/** An experiment needs what this machine or user does not have. Nothing has been started. */
export class UnmetNeedsError extends FakedirtyError {
  override readonly name = 'UnmetNeedsError';
  override readonly code = 'ERR_NEEDS';

  constructor(
    /** What is missing, each with what to do about it. */
    readonly problems: readonly string[],
  ) {
    const list = problems.map((text) => `  ${text}`).join('\n');
    super(
      `This machine does not have all that the experiment needs; nothing was started:\n${list}`,
    );
  }
}

/** Makes hosts as a run does: whatever tc or the kernel refuse, they refuse here. */
async function linkProblems(link: Link, kind: HostsKind): Promise<string[]> {
  const workspace = Workspace.create(0);
  try {
    const hosts = await createHosts({ workspace, link, kind });
    hosts.close();
    return [];
  } catch (error) {
    return [messageOf(error)];
  } finally {
    workspace.remove();
  }
}

function workloadProblems(
  { workload: { name, options }, memoryMiB }: Cell,
  { experiment, catalogue }: NeedsOptions,
  noNetwork: string | undefined,
): string[] {
  const workload = catalogue.workload(name);
  if (workload.needsNetwork && noNetwork !== undefined) {
    return [`${networkNeededBy(name)}: ${noNetwork}. Run as root, or remove the workload.`];
  }
  const hasNetwork = noNetwork === undefined && !workload.bareGuest;
  try {
    workload.commands(options, {
      memoryBytes: memoryMiB * mebibyte,
      processors: experiment.guest.processors,
      address: hasNetwork ? guestAddress : null,
      seed: experiment.seed,
    });
    return [];
  } catch (error) {
    return [`The workload ${name} with ${memoryMiB} MiB: ${messageOf(error)}`];
  }
}

/** Throws when this machine or user can't have a link or workload of these runs; the error lists all of them. */
export async function checkNeeds(options: NeedsOptions): Promise<void> {
  const { experiment, runs, kind = 'auto' } = options;
  if (runs.length === 0) return;
  const noNetwork = whyNoNetwork(kind);
  // Runs are shuffled; problems are listed in the order of the file.
  const open = new Set(runs.map(({ cell }) => JSON.stringify(cell)));
  const cells = cellsOf(experiment).filter((cell) => open.has(JSON.stringify(cell)));
  const problems = new Set(cells.flatMap((cell) => workloadProblems(cell, options, noNetwork)));
  for (const link of new Set(cells.map((cell) => cell.link))) {
    for (const problem of await linkProblems(link, kind)) problems.add(problem);
  }
  if (problems.size > 0) throw new UnmetNeedsError([...problems]);
}
