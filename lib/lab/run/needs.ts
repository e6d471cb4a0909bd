// What runs need of this machine and of its user, looked at before the first of them: where something is missing,
// every attempt would fail, some after a guest has booted.

import { FakedirtyError } from '../../errors/error.js';
import { mebibyte } from '../../format/bytes.js';
import { Workspace } from '../../system/workspace.js';
import type { Catalogue } from '../catalogue/catalogue.js';
import { guestAddress } from '../guest/linux-guest.js';
import { createHosts, type HostsKind, whyNoNetwork } from '../hosts/create-hosts.js';
import type { Experiment } from '../model/experiment.js';
import type { Link } from '../model/link.js';
import { type Cell, cellsOf, type PlannedRun } from '../plan/planned-runs.js';
import { networkNeededBy } from '../workloads/workload.js';

export interface NeedsOptions {
  readonly experiment: Experiment;
  /** Those that are going to be made. */
  readonly runs: readonly PlannedRun[];
  readonly catalogue: Catalogue;
  readonly kind?: HostsKind;
}

/** Runs were refused, and none has been started. */
export class UnmetNeedsError extends FakedirtyError {
  override readonly name = 'UnmetNeedsError';
  override readonly code = 'ERR_NEEDS';

  constructor(
    /** Each with what to do about it. */
    readonly problems: readonly string[],
  ) {
    const list = problems.map((text) => `  ${text}`).join('\n');
    super(`Not all that the experiment asks for can be had here; nothing was started:\n${list}`);
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Hosts are made as for a run: whatever tc or the kernel refuse, they refuse here. */
async function linkProblems(link: Link, kind: HostsKind): Promise<string[]> {
  const workspace = Workspace.create(0);
  try {
    const hosts = await createHosts({ workspace, link, kind });
    hosts.close();
    return [];
  } catch (error) {
    return [reasonOf(error)];
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
    return [`${networkNeededBy(name)}: ${noNetwork}. Run as root, or leave it out.`];
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
    return [`The workload ${name} with ${memoryMiB} MiB: ${reasonOf(error)}`];
  }
}

/** Throws when a link or a workload of these runs can't be had here, and names all of them. */
export async function checkNeeds(options: NeedsOptions): Promise<void> {
  const { experiment, runs, kind = 'auto' } = options;
  if (runs.length === 0) return;
  const noNetwork = whyNoNetwork(kind);
  // Runs are in an order of their own; what is wrong is told in that of the file.
  const open = new Set(runs.map(({ cell }) => JSON.stringify(cell)));
  const cells = cellsOf(experiment).filter((cell) => open.has(JSON.stringify(cell)));
  const problems = new Set(cells.flatMap((cell) => workloadProblems(cell, options, noNetwork)));
  for (const link of new Set(cells.map((cell) => cell.link))) {
    for (const problem of await linkProblems(link, kind)) problems.add(problem);
  }
  if (problems.size > 0) throw new UnmetNeedsError([...problems]);
}
