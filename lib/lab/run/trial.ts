// What a run needs of this machine, and its orderly end: hosts, VMs and files, gone when the run is over or
// told to stop.

import { readFileSync } from 'node:fs';
import { mebibyte } from '../../format/bytes.js';
import type { Accelerator, Machine } from '../../qemu/machine/machine.js';
import { Workspace } from '../../system/workspace.js';
import type { Catalogue } from '../catalogue/catalogue.js';
import { BareGuest } from '../guest/bare-guest.js';
import { diskBytes } from '../guest/disk.js';
import type { Guest, Place } from '../guest/guest.js';
import { LinuxGuest } from '../guest/linux-guest.js';
import { createHosts, type Host, type Hosts } from '../hosts/create-hosts.js';
import type { Experiment } from '../model/experiment.js';
import type { Consoles } from '../model/run.js';
import type { PlannedRun } from '../plan/planned-runs.js';
import type { WorkloadAtWork } from '../workloads/workload-run.js';

/** Room for the image, sockets and the like. */
const otherBytes = 64 * mebibyte;

export interface TrialOptions {
  readonly binary: string;
  readonly accelerator: Accelerator;
  readonly experiment: Experiment;
  readonly run: PlannedRun;
  readonly catalogue: Catalogue;
}

function guestFor(options: TrialOptions, workspace: Workspace, hosts: Hosts): Promise<Guest> {
  const { binary, accelerator, experiment, run, catalogue } = options;
  const { memory, processors } = experiment.guest;
  const workload = catalogue.workload(run.cell.workload.name);
  const memoryBytes = run.cell.memoryMiB * mebibyte;
  const { seed } = run;
  const request = {
    ...{ binary, accelerator, workspace, hosts, memory, memoryBytes, processors, workload, seed },
    options: run.cell.workload.options,
  };
  const bare = workload.bareGuest?.(request.options, {
    memoryBytes,
    processors,
    address: null,
    seed,
  });
  return bare ? BareGuest.create(request, bare) : LinuxGuest.create(request);
}

export class Trial {
  readonly #commandLines: Record<string, string[]> = {};
  readonly #options: TrialOptions;
  readonly #workspace: Workspace;
  readonly #machines: Machine[] = [];
  readonly hosts: Hosts;
  readonly #guest: Guest;
  #workload: WorkloadAtWork | undefined;
  #stopped = false;

  private constructor(options: TrialOptions, workspace: Workspace, hosts: Hosts, guest: Guest) {
    this.#options = options;
    this.#workspace = workspace;
    this.hosts = hosts;
    this.#guest = guest;
  }

  static async create(options: TrialOptions): Promise<Trial> {
    const { experiment, run, catalogue } = options;
    const { memoryMiB, link } = run.cell;
    const copies = experiment.sink ? 1 : 2;
    const inFiles = experiment.guest.memory === 'file' ? copies * memoryMiB * mebibyte : 0;
    const onDisk = catalogue.workload(run.cell.workload.name).needsDisk ? diskBytes : 0;
    const workspace = Workspace.create(inFiles + onDisk + otherBytes);
    let hosts: Hosts | undefined;
    try {
      hosts = await createHosts({ workspace, link });
      return new Trial(options, workspace, hosts, await guestFor(options, workspace, hosts));
    } catch (error) {
      hosts?.close();
      workspace.remove();
      throw error;
    }
  }

  /** Of what has been started so far, by what it was for. */
  get commandLines(): Record<string, string[]> {
    return this.#commandLines;
  }

  get consoles(): Consoles {
    return this.#guest.consoles;
  }

  get memoryBytes(): number {
    return this.#options.run.cell.memoryMiB * mebibyte;
  }

  get kernelVersion(): string {
    return this.#guest.kernelVersion;
  }

  /** The QEMU on the first host, its guest ready. */
  startSource(): Promise<Machine> {
    const { catalogue, run } = this.#options;
    const { sourceArguments = [] } = catalogue.method(run.cell.method);
    return this.#guest.boot(this.#place('source', this.#host(0), sourceArguments));
  }

  /** The QEMU on the second host, that waits for the guest; what the guest says there is heard. */
  async startDestination(): Promise<{ host: Host; machine: Machine }> {
    const host = this.#host(1);
    return { host, machine: await this.#guest.expect(this.#place('destination', host, [])) };
  }

  async startWorkload(): Promise<WorkloadAtWork> {
    this.#workload = await this.#guest.startWorkload();
    Object.assign(this.#commandLines, this.#guest.workCommandLines);
    return this.#workload;
  }

  /** Ends everything that runs: whoever waits for it hears of that. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#workload?.abandon();
    await Promise.all(this.#machines.map((machine) => machine.kill()));
  }

  async close(): Promise<void> {
    await this.stop();
    this.hosts.close();
    this.#workspace.remove();
  }

  #place(name: string, host: Host, further: readonly string[]): Place {
    return {
      ...{ name, host, arguments: further },
      started: async (machine) => {
        this.#machines.push(machine);
        if (this.#stopped) await machine.kill();
        const words = readFileSync(`/proc/${machine.pid}/cmdline`, 'utf8').split('\0');
        this.#commandLines[name] = words.slice(0, -1);
      },
    };
  }

  #host(at: number): Host {
    const host = this.hosts.list[at];
    if (!host) throw new RangeError(`There is no host ${at}.`);
    return host;
  }
}
