// What a run needs of this machine, and its orderly end: hosts, VMs and files, gone when the run is over or
// told to stop.
import { readFileSync } from 'node:fs';
import type { Accelerator } from '../../qemu/machine/machine.js';
import { Workspace } from '../../qemu/machine/workspace.js';
import { GuestControl } from '../guest/control.js';
import { guestImage, type Image } from '../guest/image.js';
import { type GuestNetwork, LinuxVm } from '../guest/linux-vm.js';
import { createHosts, type Host, type Hosts } from '../hosts/hosts.js';
import { workloadNamed } from '../workloads/all.js';
import { contentsFor } from '../workloads/contents.js';
import { RunningWorkload } from '../workloads/running.js';
import type { PlannedRun } from './cells.js';
import type { Experiment } from './schema.js';

const mebibyte = 1 << 20;
/** Room for the image, sockets and the like. */
const otherBytes = 64 * mebibyte;
const guestAddress = '10.77.0.100';
const guestMac = '52:54:00:fd:00:01';

export interface TrialOptions {
  readonly binary: string;
  readonly accelerator: Accelerator;
  readonly experiment: Experiment;
  readonly run: PlannedRun;
}

export class Trial {
  readonly #control = new GuestControl();
  readonly #commandLines: Record<string, string[]> = {};
  readonly #options: TrialOptions;
  readonly #workspace: Workspace;
  readonly #vms: LinuxVm[] = [];
  readonly hosts: Hosts;
  readonly #image: Image;
  #workload: RunningWorkload | undefined;
  #stopped = false;

  private constructor(options: TrialOptions, workspace: Workspace, hosts: Hosts, image: Image) {
    this.#options = options;
    this.#workspace = workspace;
    this.hosts = hosts;
    this.#image = image;
  }

  static async create(options: TrialOptions): Promise<Trial> {
    const { experiment, run } = options;
    const { memoryMiB, link, workload } = run.cell;
    const copies = experiment.sink ? 1 : 2;
    const inFiles = experiment.guest.memory === 'file' ? copies * memoryMiB * mebibyte : 0;
    const workspace = Workspace.create(inFiles + otherBytes);
    let hosts: Hosts | undefined;
    try {
      hosts = await createHosts({ workspace, link });
      const contents = await contentsFor([workloadNamed(workload.name)]);
      const network = hosts.client.address !== null;
      const image = await guestImage({ workspace, ...contents, network });
      return new Trial(options, workspace, hosts, image);
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

  get memoryBytes(): number {
    return this.#options.run.cell.memoryMiB * mebibyte;
  }

  get kernelVersion(): string {
    return this.#image.kernelVersion;
  }

  /** The VM on the first host, its guest ready. */
  async startSource(): Promise<LinuxVm> {
    const vm = await this.#startVm('source', 0, false);
    await vm.boot(this.#control);
    return vm;
  }

  /** The VM on the second host, that waits for the guest; what the guest says there is heard. */
  async startDestination(): Promise<LinuxVm> {
    const vm = await this.#startVm('destination', 1, true);
    vm.connect(this.#control);
    return vm;
  }

  async startWorkload(): Promise<RunningWorkload> {
    const { experiment, run } = this.#options;
    const workload = workloadNamed(run.cell.workload.name);
    const { options } = run.cell.workload;
    const { client } = this.hosts;
    const surroundings = {
      memoryBytes: this.memoryBytes,
      processors: experiment.guest.processors,
      address: client.address && guestAddress,
    };
    const commands = workload.commands(options, surroundings);
    const control = this.#control;
    const start = { workload, options, surroundings, control, client };
    this.#workload = await RunningWorkload.start(start);
    this.#commandLines['workload in the guest'] = [...commands.inGuest];
    const { outside } = commands;
    if (outside) {
      this.#commandLines['workload outside'] = [outside.program, ...outside.arguments];
    }
    return this.#workload;
  }

  /** Ends everything that runs: whoever waits for it hears of that. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#workload?.abandon();
    await Promise.all(this.#vms.map(({ machine }) => machine.kill()));
  }

  async close(): Promise<void> {
    await this.stop();
    this.hosts.close();
    this.#workspace.remove();
  }

  async #startVm(name: string, at: number, incoming: boolean): Promise<LinuxVm> {
    const { binary, accelerator, experiment } = this.#options;
    const { processors, memory } = experiment.guest;
    const host = this.#host(at);
    const network = await this.#network(host);
    const vm = await LinuxVm.start({
      ...{ name, binary, accelerator, host, processors, memory, incoming },
      ...(network ? { network } : {}),
      workspace: this.#workspace,
      image: this.#image,
      memoryBytes: this.memoryBytes,
      // Touching it for the first time would be part of what is measured.
      preallocate: true,
    });
    this.#vms.push(vm);
    if (this.#stopped) await vm.machine.kill();
    const words = readFileSync(`/proc/${vm.machine.pid}/cmdline`, 'utf8').split('\0');
    this.#commandLines[name] = words.slice(0, -1);
    return vm;
  }

  #host(at: number): Host {
    const host = this.hosts.list[at];
    if (!host) throw new RangeError(`There is no host ${at}.`);
    return host;
  }

  async #network(host: Host): Promise<GuestNetwork | undefined> {
    const tap = await this.hosts.addTap(host);
    return tap === null ? undefined : { tap, address: guestAddress, mac: guestMac };
  }
}
