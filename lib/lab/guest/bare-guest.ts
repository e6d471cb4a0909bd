// The bare guest of the patch series as a guest of the lab: its firmware is all that it boots.
import { assembleGuest, type GuestOptions, untilReady } from '../../qemu/machine/guest.js';
import { Machine } from '../../qemu/machine/machine.js';
import type { WorkloadAtWork } from '../workloads/workload-run.js';
import { BareControl } from './bare-control.js';
import type { Guest, Place } from './guest.js';
import type { GuestRequest } from './linux-guest.js';

export class BareGuest implements Guest {
  readonly kernelVersion = 'none: the bare guest';
  /** It has none. */
  readonly consoles = {};
  readonly #control = new BareControl();
  readonly #request: GuestRequest;
  readonly #options: GuestOptions;
  readonly #firmware: string;

  private constructor(request: GuestRequest, options: GuestOptions, firmware: string) {
    this.#request = request;
    this.#options = options;
    this.#firmware = firmware;
  }

  static async create(request: GuestRequest, options: GuestOptions): Promise<BareGuest> {
    return new BareGuest(request, options, await assembleGuest(request.workspace, options));
  }

  get workCommandLines(): Record<string, string[]> {
    const { workload, options, memoryBytes, processors, seed } = this.#request;
    const surroundings = { memoryBytes, processors, address: null, seed };
    return { 'the bare guest': [...workload.commands(options, surroundings).inGuest] };
  }

  async boot(place: Place): Promise<Machine> {
    const machine = await this.#start(place, false);
    await machine.qmp.execute('cont');
    await untilReady(machine.serial);
    this.#hear(machine);
    return machine;
  }

  async expect(place: Place): Promise<Machine> {
    const machine = await this.#start(place, true);
    this.#hear(machine);
    return machine;
  }

  startWorkload(): Promise<WorkloadAtWork> {
    return this.#control.startWorkload(this.#options.pages);
  }

  #hear({ serial, qmp }: Machine): void {
    const runs = async () => (await qmp.execute('query-status')).running;
    this.#control.hear({ serial, runs });
  }

  async #start({ name, host, arguments: further, started }: Place, incoming: boolean) {
    const { binary, accelerator, workspace, memory, memoryBytes } = this.#request;
    const machine = await Machine.start({
      ...{ name, binary, accelerator, workspace, memory, incoming },
      ramBytes: memoryBytes,
      firmware: this.#firmware,
      prefix: host.prefix,
      arguments: further,
      // Touching it for the first time would be part of what is measured.
      preallocate: true,
    });
    await started(machine);
    return machine;
  }
}
