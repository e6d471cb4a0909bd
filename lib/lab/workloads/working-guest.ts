// A guest together with the workload that runs in it: Linux, or the bare guest, as the workload asks for.
import { BareGuest } from '../guest/bare-guest.js';
import type { Guest, GuestMachine } from '../guest/guest.js';
import { LinuxGuest } from '../guest/linux-guest.js';
import { BareWorkloadRun } from './bare-workload-run.js';
import { contentsFor } from './guest-contents.js';
import { LinuxWorkloadRun } from './linux-workload-run.js';
import type { Workload, WorkloadEnvironment } from './workload.js';
import type { WorkloadRun } from './workload-run.js';

/** The workload of a guest, and what its options are. */
export interface WorkingGuestOptions extends GuestMachine {
  readonly workload: Workload;
  readonly options: unknown;
  /** For what the workload does at random. */
  readonly seed: number;
}

/** A guest, and the workload that it is there for. */
export interface WorkingGuest {
  readonly guest: Guest;
  /** The command line of each part of the workload, by its purpose. */
  readonly commandLines: Readonly<Record<string, string[]>>;
  /** Starts the workload in the guest, which has booted; resolves when it has reported for the first time. */
  startWorkload(): Promise<WorkloadRun>;
}

/** Makes the guest that the workload needs. */
export async function createWorkingGuest(options: WorkingGuestOptions): Promise<WorkingGuest> {
  const { workload, options: given, memoryBytes, processors, seed } = options;
  const environment = { memoryBytes, processors, address: null, seed };
  const bare = workload.bareGuest?.(given, environment);
  if (!bare) return createLinux(options, environment);
  const guest = await BareGuest.create(options, bare);
  return {
    guest,
    commandLines: { 'the bare guest': [...workload.commands(given, environment).inGuest] },
    startWorkload: () => BareWorkloadRun.start(guest.control, bare.pages),
  };
}

async function createLinux(
  options: WorkingGuestOptions,
  without: WorkloadEnvironment,
): Promise<WorkingGuest> {
  const { workload, options: given, hosts } = options;
  const contents = await contentsFor([workload]);
  const { needsDisk: disk = false } = workload;
  const guest = await LinuxGuest.create({ ...options, ...contents, disk });
  const environment = { ...without, address: guest.address };
  const { inGuest, outside } = workload.commands(given, environment);
  return {
    guest,
    commandLines: {
      'workload in the guest': [...inGuest],
      ...(outside ? { 'workload outside': [outside.program, ...outside.arguments] } : {}),
    },
    startWorkload: () =>
      LinuxWorkloadRun.start({
        ...{ workload, environment, options: given },
        control: guest.control,
        client: hosts.client,
      }),
  };
}
