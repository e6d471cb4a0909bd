// What a run needs of this machine: hosts, QEMUs and files. All of it is gone when the run is over or told to stop.

import { readFileSync } from 'node:fs';
import { mebibyte } from '../../format/bytes.js';
import type { Accelerator, Machine } from '../../qemu/machine/machine.js';
import { Workspace } from '../../system/workspace.js';
import type { Catalogue } from '../catalogue/catalogue.js';
import { diskBytes } from '../guest/disk.js';
import type { Place } from '../guest/guest.js';
import { createHosts } from '../hosts/create-hosts.js';
import type { Host, Hosts } from '../hosts/host.js';
import type { Experiment } from '../model/experiment.js';
import type { Consoles, PlannedRun } from '../model/run.js';
import { createWorkingGuest, type WorkingGuest } from '../workloads/working-guest.js';
import type { WorkloadRun } from '../workloads/workload-run.js';

/** Space for the image, sockets and the like. */
const otherBytes = 64 * mebibyte;

/** What a run is made with. */
export interface TrialOptions {
  /** The QEMU program. */
  readonly binary: string;
  readonly accelerator: Accelerator;
  readonly experiment: Experiment;
  readonly run: PlannedRun;
  readonly catalogue: Catalogue;
}

function createGuest(
  options: TrialOptions,
  workspace: Workspace,
  hosts: Hosts,
): Promise<WorkingGuest> {
  const { binary, accelerator, experiment, run, catalogue } = options;
  const { memory, processors } = experiment.guest;
  const { workload, memoryMiB } = run.cell;
  return createWorkingGuest({
    ...{ binary, accelerator, workspace, hosts, memory, processors },
    memoryBytes: memoryMiB * mebibyte,
    workload: catalogue.workload(workload.name),
    options: workload.options,
    seed: run.seed,
  });
}

/** The hosts, QEMUs and files of one run. */
export class Trial {
  readonly #commandLines: Record<string, string[]> = {};
  readonly #options: TrialOptions;
  readonly #workspace: Workspace;
  readonly #machines: Machine[] = [];
  readonly hosts: Hosts;
  readonly #working: WorkingGuest;
  #workload: WorkloadRun | undefined;
  #stopped = false;

  private constructor(
    options: TrialOptions,
    workspace: Workspace,
    hosts: Hosts,
    working: WorkingGuest,
  ) {
    this.#options = options;
    this.#workspace = workspace;
    this.hosts = hosts;
    this.#working = working;
  }

  /** Makes hosts and the guest's image; nothing runs yet. */
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
      return new Trial(options, workspace, hosts, await createGuest(options, workspace, hosts));
    } catch (error) {
      hosts?.close();
      workspace.remove();
      throw error;
    }
  }

  /** The command line of everything that has been started so far, by its purpose. */
  get commandLines(): Record<string, string[]> {
    return this.#commandLines;
  }

  /** The last lines of the guest's console, by the QEMU that it ran in. */
  get consoles(): Consoles {
    return this.#working.guest.consoles;
  }

  get memoryBytes(): number {
    return this.#options.run.cell.memoryMiB * mebibyte;
  }

  get kernelVersion(): string {
    return this.#working.guest.kernelVersion;
  }

  /** Starts the QEMU on the first host, and boots the guest in it. */
  startSource(): Promise<Machine> {
    const { catalogue, run } = this.#options;
    const { sourceArguments = [] } = catalogue.method(run.cell.method);
    return this.#working.guest.boot(this.#place('source', this.#host(0), sourceArguments));
  }

  /** Starts the QEMU on the second host, which waits for the guest. */
  async startDestination(): Promise<{ host: Host; machine: Machine }> {
    const host = this.#host(1);
    const machine = await this.#working.guest.expect(this.#place('destination', host, []));
    return { host, machine };
  }

  /** Starts the workload in the guest, which has booted. */
  async startWorkload(): Promise<WorkloadRun> {
    this.#workload = await this.#working.startWorkload();
    Object.assign(this.#commandLines, this.#working.commandLines);
    return this.#workload;
  }

  /** Ends everything that runs: whoever waits for a part of it gets an error. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#workload?.abandon();
    await Promise.all(this.#machines.map((machine) => machine.kill()));
  }

  /** Ends everything that runs, and removes hosts and files. */
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
