// The Linux guest of the lab: made for each run, with the programs that its workload needs.

import type { Consoles } from '../model/run.js';
import type { GuestFile } from './debian/libraries.js';
import { makeDisk } from './disk.js';
import type { Guest, GuestMachine, Place } from './guest.js';
import { guestImage, type Image } from './image.js';
import { LinuxControl } from './linux-control.js';
import { LinuxVm } from './linux-vm.js';

/** The address of a guest that has a network. */
export const guestAddress = '10.77.0.100';
const guestMac = '52:54:00:fd:00:01';

/** The virtual machine of a Linux guest, and what the guest holds. */
export interface LinuxGuestOptions extends GuestMachine {
  /** Programs of native/guest/linux, or paths of C sources: the guest has them in /bin. */
  readonly programs: readonly string[];
  /** Files of packages. */
  readonly files: readonly GuestFile[];
  /** Whether it has a disk, as /dev/vda. */
  readonly disk: boolean;
}

/** A guest that runs Debian's kernel, and programs of the lab's own. */
export class LinuxGuest implements Guest {
  readonly control = new LinuxControl();
  readonly #options: LinuxGuestOptions;
  readonly #image: Image;
  readonly #disk: string | undefined;
  readonly #consoles = new Map<string, readonly string[]>();

  private constructor(options: LinuxGuestOptions, image: Image, disk: string | undefined) {
    this.#options = options;
    this.#image = image;
    this.#disk = disk;
  }

  /** Makes its image, and its disk if it has one. */
  static async create(options: LinuxGuestOptions): Promise<LinuxGuest> {
    const { workspace, hosts, programs, files, disk } = options;
    const network = hosts.client.address !== null;
    const image = await guestImage({ workspace, programs, files, network, disk });
    return new LinuxGuest(options, image, disk ? makeDisk(hosts) : undefined);
  }

  get kernelVersion(): string {
    return this.#image.kernelVersion;
  }

  get consoles(): Consoles {
    return Object.fromEntries([...this.#consoles].map(([name, lines]) => [name, [...lines]]));
  }

  /** Null: it has no network. */
  get address(): string | null {
    return this.#options.hosts.client.address && guestAddress;
  }

  async boot(place: Place) {
    const vm = await this.#start(place, false);
    await vm.boot(this.control);
    return vm.machine;
  }

  async expect(place: Place) {
    const vm = await this.#start(place, true);
    vm.connect(this.control);
    return vm.machine;
  }

  async #start({ name, host, arguments: further, started }: Place, incoming: boolean) {
    const { binary, accelerator, workspace, hosts, memory, memoryBytes, processors } =
      this.#options;
    const tap = await hosts.addTap(host);
    const vm = await LinuxVm.start({
      ...{ name, binary, accelerator, workspace, host, memory, memoryBytes, processors, incoming },
      ...(tap === null ? {} : { network: { tap, address: guestAddress, mac: guestMac } }),
      ...(this.#disk === undefined ? {} : { disk: this.#disk }),
      image: this.#image,
      arguments: further,
      // Else the first touch of each page would be part of what is measured.
      preallocate: true,
    });
    this.#consoles.set(name, vm.console);
    await started(vm.machine);
    return vm;
  }
}
