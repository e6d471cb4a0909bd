// What all guests of the lab have in common: they boot in one QEMU, and arrive in another.
import type { Accelerator, Machine } from '../../qemu/machine/machine.js';
import type { MemoryKind } from '../../qemu/machine/memory.js';
import type { Workspace } from '../../system/workspace.js';
import type { Host, Hosts } from '../hosts/host.js';
import type { Consoles } from '../model/run.js';

/** Where one QEMU of a guest runs. */
export interface Place {
  /** Names its files, and appears in messages. */
  readonly name: string;
  readonly host: Host;
  /** Further arguments for QEMU. */
  readonly arguments: readonly string[];
  /** Called with the QEMU as soon as it runs: from then on somebody has to end it. */
  started(machine: Machine): Promise<void>;
}

/** The virtual machine that a guest runs in. */
export interface GuestMachine {
  /** The QEMU program. */
  readonly binary: string;
  readonly accelerator: Accelerator;
  readonly workspace: Workspace;
  readonly hosts: Hosts;
  readonly memoryBytes: number;
  readonly memory: MemoryKind;
  readonly processors: number;
}

/** A guest that can be booted in one QEMU, and can arrive in another. */
export interface Guest {
  /** The version of the kernel that it boots. */
  readonly kernelVersion: string;
  /** The last lines of its console, by the QEMU that it ran in. */
  readonly consoles: Consoles;
  /** Boots it; resolves when it is ready to work. */
  boot(place: Place): Promise<Machine>;
  /** Starts a QEMU that waits for it, and listens to it there. */
  expect(place: Place): Promise<Machine>;
}
