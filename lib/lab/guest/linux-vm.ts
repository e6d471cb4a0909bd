// A VM that runs the lab's Linux guest, or waits for it to arrive.

import { messageOf } from '../../errors/message-of.js';
import { GuestError } from '../../qemu/machine/errors.js';
import { type Accelerator, Machine, type MachineOptions } from '../../qemu/machine/machine.js';
import type { MemoryKind } from '../../qemu/machine/memory.js';
import type { Host } from '../hosts/host.js';
import { diskArguments } from './disk.js';
import type { Image } from './image.js';
import type { LinuxControl } from './linux-control.js';
import { readLines } from './read-lines.js';

const consolePort = 0;
const controlPort = 1;
const readyMs = 120_000;
const consoleLinesKept = 400;

/** The network of a guest. */
export interface GuestNetwork {
  /** The device on the host, made by Hosts.addTap(). */
  readonly tap: string;
  readonly address: string;
  readonly mac: string;
}

/** The QEMU of a Linux guest. */
export interface LinuxVmOptions extends Pick<MachineOptions, 'name' | 'binary' | 'workspace'> {
  readonly host: Host;
  readonly image: Image;
  readonly accelerator: Accelerator;
  readonly memoryBytes: number;
  readonly memory?: MemoryKind;
  readonly processors: number;
  readonly network?: GuestNetwork;
  /** The file of its disk. */
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
    // These cost time, and an experiment does not need them.
    'mitigations=off',
    'nokaslr',
    ...(accelerator === 'tcg' ? ['tsc=reliable', 'clocksource=tsc', 'lpj=4000000'] : []),
    ...(network ? [`fdaddress=${network.address}`] : []),
  ].join(' ');
}

/**
 * Leaves room for a second processor, which is never plugged in. With room for only one, QEMU omits memory barriers when it
 * emulates a guest: all of them before 8.1, and since then those of locked instructions, which Linux uses. The guest's network
 * card then misses packets now and then, and stays silent for good.
 */
function processorArguments(processors: number): string[] {
  return ['-smp', `${processors},maxcpus=${Math.max(processors, 2)}`];
}

function networkArguments({ tap, mac }: GuestNetwork): string[] {
  return [
    ...['-netdev', `tap,id=net0,ifname=${tap},script=no,downscript=no`],
    // The guest does not boot from the network, so it needs no boot ROM.
    ...['-device', `virtio-net-pci,netdev=net0,mac=${mac},romfile=`],
  ];
}

/** A QEMU that runs a Linux guest, or waits for it to arrive. */
export class LinuxVm {
  readonly #console: string[] = [];

  private constructor(
    readonly machine: Machine,
    readonly host: Host,
  ) {
    readLines(machine.serialPort(consolePort), (line) => {
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

  /** Has the control listen to this machine, and send its commands here. */
  connect(control: LinuxControl): void {
    control.connect(this.machine.serialPort(controlPort));
  }

  /** Boots the guest and waits until its first process is ready; returns how many ms that took. */
  async boot(control: LinuxControl): Promise<number> {
    this.connect(control);
    const sinceMs = performance.now();
    const ready = control.next('ready', readyMs);
    try {
      await Promise.all([this.machine.qmp.execute('cont'), ready]);
    } catch (error) {
      const reason = messageOf(error);
      const lines = this.console.slice(-15).join('\n  ');
      throw new GuestError(`The guest did not boot: ${reason}\nIts console:\n  ${lines}`, {
        cause: error,
      });
    }
    return performance.now() - sinceMs;
  }

  /** The last lines of the guest's console; grows as the guest writes. */
  get console(): readonly string[] {
    return this.#console;
  }
}
