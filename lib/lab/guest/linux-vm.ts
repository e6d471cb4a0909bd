// A VM that runs the lab's Linux guest, or waits for it to arrive.
import { type Accelerator, Machine, type MachineOptions } from '../../qemu/machine/machine.js';
import type { MemoryKind } from '../../qemu/machine/memory.js';
import type { Host } from '../hosts/create-hosts.js';
import { diskArguments } from './disk.js';
import type { Image } from './image.js';
import { type GuestControl, GuestError, readAll } from './linux-control.js';

const consolePort = 0;
const controlPort = 1;
const readyMs = 120_000;
const consoleLinesKept = 400;

export interface GuestNetwork {
  /** The device on the host, from Hosts.addTap. */
  readonly tap: string;
  readonly address: string;
  readonly mac: string;
}

export interface LinuxVmOptions extends Pick<MachineOptions, 'name' | 'binary' | 'workspace'> {
  readonly host: Host;
  readonly image: Image;
  readonly accelerator: Accelerator;
  readonly memoryBytes: number;
  readonly memory?: MemoryKind;
  readonly processors: number;
  readonly network?: GuestNetwork;
  /** Its file. */
  readonly disk?: string;
  readonly incoming?: boolean;
  readonly preallocate?: boolean;
  /** Further arguments for QEMU. */
  readonly arguments?: readonly string[];
}

function kernelCommandLine({ accelerator, network }: LinuxVmOptions): string {
  return [
    'console=ttyS0',
    'quiet',
    'panic=-1',
    // Nothing that costs time and that an experiment does not need.
    'mitigations=off',
    'nokaslr',
    ...(accelerator === 'tcg' ? ['tsc=reliable', 'clocksource=tsc', 'lpj=4000000'] : []),
    ...(network ? [`fdaddress=${network.address}`] : []),
  ].join(' ');
}

/**
 * Room for a second processor, which is never plugged in: with room for one alone, QEMU gives an emulated guest no
 * memory barriers; before 8.1 none at all, since then none for locked instructions, which are Linux's. Its network card
 * then sleeps on packets now and then, and for good.
 */
function processorArguments(processors: number): string[] {
  return ['-smp', `${processors},maxcpus=${Math.max(processors, 2)}`];
}

function networkArguments({ tap, mac }: GuestNetwork): string[] {
  return [
    ...['-netdev', `tap,id=net0,ifname=${tap},script=no,downscript=no`],
    // Nobody boots from the network.
    ...['-device', `virtio-net-pci,netdev=net0,mac=${mac},romfile=`],
  ];
}

export class LinuxVm {
  readonly #console: string[] = [];

  private constructor(
    readonly machine: Machine,
    readonly host: Host,
  ) {
    readAll(machine.serialPort(consolePort), (line) => {
      this.#console.push(line.trimEnd());
      if (this.#console.length > consoleLinesKept) this.#console.shift();
    });
  }

  /** Starts QEMU, paused. */
  static async start(options: LinuxVmOptions): Promise<LinuxVm> {
    const { host, image, processors, memoryBytes, network, disk, ...rest } = options;
    const machine = await Machine.start({
      ...rest,
      ramBytes: memoryBytes,
      serialPorts: 2,
      prefix: host.prefix,
      arguments: [
        ...processorArguments(processors),
        '-no-reboot',
        ...['-kernel', image.kernel, '-initrd', image.initramfs],
        ...['-append', kernelCommandLine(options)],
        ...(network ? networkArguments(network) : []),
        ...(disk === undefined ? [] : diskArguments(disk)),
        ...(options.arguments ?? []),
      ],
    });
    return new LinuxVm(machine, host);
  }

  /** From now on the control hears this machine, and speaks to it. */
  connect(control: GuestControl): void {
    control.hear(this.machine.serialPort(controlPort));
  }

  /** Boots the guest and waits until its first process says that it is ready; answers how long. */
  async boot(control: GuestControl): Promise<number> {
    this.connect(control);
    const sinceMs = performance.now();
    const ready = control.next('ready', readyMs);
    try {
      await Promise.all([this.machine.qmp.execute('cont'), ready]);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const lines = this.console.slice(-15).join('\n  ');
      throw new GuestError(`The guest did not boot: ${reason}\nIts console:\n  ${lines}`, {
        cause: error,
      });
    }
    return performance.now() - sinceMs;
  }

  /** The last lines that the guest's kernel wrote; grows as it writes. */
  get console(): readonly string[] {
    return this.#console;
  }
}
