// A guest of the lab, whatever it is made of: boots on one host, is expected on another, and works.
import type { Machine } from '../../qemu/machine/machine.js';
import type { Host } from '../hosts/create-hosts.js';
import type { Consoles } from '../model/run.js';
import type { WorkloadAtWork } from '../workloads/workload-run.js';

/** Where one of its QEMUs runs. */
export interface Place {
  /** Of its files, and in messages. */
  readonly name: string;
  readonly host: Host;
  /** Further arguments for QEMU. */
  readonly arguments: readonly string[];
  /** Told of the QEMU as soon as it runs: from then on it has to be ended. */
  started(machine: Machine): Promise<void>;
}

export interface Guest {
  /** Of what it boots. */
  readonly kernelVersion: string;
  /** The last lines that its kernel wrote, by where it ran. */
  readonly consoles: Consoles;
  /** Answers when it is ready to work there. */
  boot(place: Place): Promise<Machine>;
  /** Starts a QEMU that waits for it; what the guest says there is heard. */
  expect(place: Place): Promise<Machine>;
  /** Answers when it works and has reported for the first time. */
  startWorkload(): Promise<WorkloadAtWork>;
  /** What works in it, or for it outside, by what it is for. */
  readonly workCommandLines: Readonly<Record<string, string[]>>;
}
