// The lab's Linux guest: made for the run, with the programs that its workload needs.

import type { Accelerator } from '../../qemu/machine/machine.js';
import type { MemoryKind } from '../../qemu/machine/memory.js';
import type { Workspace } from '../../system/workspace.js';
import type { Hosts } from '../hosts/create-hosts.js';
import type { Consoles } from '../model/run.js';
import { contentsFor } from '../workloads/guest-contents.js';
import { RunningWorkload } from '../workloads/linux-workload-run.js';
import type { Surroundings, Workload } from '../workloads/workload.js';
import type { WorkloadAtWork } from '../workloads/workload-run.js';
import { makeDisk } from './disk.js';
import type { Guest, Place } from './guest.js';
import { guestImage, type Image } from './image.js';
import { GuestControl } from './linux-control.js';
import { LinuxVm } from './linux-vm.js';

export const guestAddress = '10.77.0.100';
const guestMac = '52:54:00:fd:00:01';

export interface GuestRequest {
  readonly binary: string;
  readonly accelerator: Accelerator;
  readonly workspace: Workspace;
  readonly hosts: Hosts;
  readonly memoryBytes: number;
  readonly memory: MemoryKind;
  readonly processors: number;
  readonly workload: Workload;
  readonly options: unknown;
  /** Of what the workload does at random. */
  readonly seed: number;
}

export class LinuxGuest implements Guest {
  readonly #control = new GuestControl();
  readonly #request: GuestRequest;
  readonly #image: Image;
  readonly #disk: string | undefined;
  readonly #consoles = new Map<string, readonly string[]>();

  private constructor(request: GuestRequest, image: Image, disk: string | undefined) {
    this.#request = request;
    this.#image = image;
    this.#disk = disk;
  }

  static async create(request: GuestRequest): Promise<LinuxGuest> {
    const { workspace, hosts, workload } = request;
    const contents = await contentsFor([workload]);
    const network = hosts.client.address !== null;
    const { needsDisk = false } = workload;
    const image = await guestImage({ workspace, ...contents, network, disk: needsDisk });
    return new LinuxGuest(request, image, needsDisk ? makeDisk(hosts) : undefined);
  }

  get kernelVersion(): string {
    return this.#image.kernelVersion;
  }

  get consoles(): Consoles {
    return Object.fromEntries([...this.#consoles].map(([name, lines]) => [name, [...lines]]));
  }

  get workCommandLines(): Record<string, string[]> {
    const { workload, options } = this.#request;
    const { inGuest, outside } = workload.commands(options, this.#surroundings);
    return {
      'workload in the guest': [...inGuest],
      ...(outside ? { 'workload outside': [outside.program, ...outside.arguments] } : {}),
    };
  }

  async boot(place: Place) {
    const vm = await this.#start(place, false);
    await vm.boot(this.#control);
    return vm.machine;
  }

  async expect(place: Place) {
    const vm = await this.#start(place, true);
    vm.connect(this.#control);
    return vm.machine;
  }

  startWorkload(): Promise<WorkloadAtWork> {
    const { workload, options, hosts } = this.#request;
    return RunningWorkload.start({
      workload,
      options,
      surroundings: this.#surroundings,
      control: this.#control,
      client: hosts.client,
    });
  }

  get #surroundings(): Surroundings {
    const { memoryBytes, processors, hosts, seed } = this.#request;
    return { memoryBytes, processors, address: hosts.client.address && guestAddress, seed };
  }

  async #start({ name, host, arguments: further, started }: Place, incoming: boolean) {
    const { binary, accelerator, workspace, hosts, memory, memoryBytes, processors } =
      this.#request;
    const tap = await hosts.addTap(host);
    const vm = await LinuxVm.start({
      ...{ name, binary, accelerator, workspace, host, memory, memoryBytes, processors, incoming },
      ...(tap === null ? {} : { network: { tap, address: guestAddress, mac: guestMac } }),
      ...(this.#disk === undefined ? {} : { disk: this.#disk }),
      image: this.#image,
      arguments: further,
      // Touching it for the first time would be part of what is measured.
      preallocate: true,
    });
    this.#consoles.set(name, vm.console);
    await started(vm.machine);
    return vm;
  }
}
