// The bare guest (native/guest/guest.S) as a guest of the lab: its firmware is all that it boots.
import { assembleGuest, type GuestOptions, untilReady } from '../../qemu/machine/guest.js';
import { Machine } from '../../qemu/machine/machine.js';
import { BareControl } from './bare-control.js';
import type { Guest, GuestMachine, Place } from './guest.js';

/** KVM runs it at the speed of the processor, even on a host where ring 0 crawls. */
const defaultRing = 3;

/** A guest without an operating system. */
export class BareGuest implements Guest {
  readonly kernelVersion: string;
  /** It has none. */
  readonly consoles = {};
  readonly control = new BareControl();
  readonly #machine: GuestMachine;
  readonly #firmware: string;
  readonly #vcpus: number;

  private constructor(machine: GuestMachine, firmware: string, options: GuestOptions) {
    const { ring = defaultRing, vcpus = 1 } = options;
    this.kernelVersion = `none: the bare guest, in ring ${ring}`;
    this.#machine = machine;
    this.#firmware = firmware;
    this.#vcpus = vcpus;
  }

  /** Assembles its firmware. */
  static async create(machine: GuestMachine, options: GuestOptions): Promise<BareGuest> {
    const firmware = await assembleGuest(machine.workspace, { ring: defaultRing, ...options });
    return new BareGuest(machine, firmware, options);
  }

  async boot(place: Place): Promise<Machine> {
    const machine = await this.#start(place, false);
    await machine.qmp.execute('cont');
    await untilReady(machine.serial);
    this.#connect(machine);
    return machine;
  }

  async expect(place: Place): Promise<Machine> {
    const machine = await this.#start(place, true);
    this.#connect(machine);
    return machine;
  }

  #connect({ serial, qmp }: Machine): void {
    const isRunning = async () => (await qmp.execute('query-status')).running;
    this.control.connect({ serial, isRunning });
  }

  async #start({ name, host, arguments: further, started }: Place, incoming: boolean) {
    const { binary, accelerator, workspace, memory, memoryBytes } = this.#machine;
    const machine = await Machine.start({
      ...{ name, binary, accelerator, workspace, memory, incoming },
      ramBytes: memoryBytes,
      vcpus: this.#vcpus,
      firmware: this.#firmware,
      prefix: host.prefix,
      arguments: further,
      // Else the first touch of each page would be part of what is measured.
      preallocate: true,
    });
    await started(machine);
    return machine;
  }
}
