// VMs of the lab for tests, and their move from one host to another.

import { spawnSync } from 'node:child_process';
import type { TestContext } from 'vitest';
import { mebibyte } from '../../../lib/format/bytes.js';
import { guestImage, type Image } from '../../../lib/lab/guest/image.js';
import { LinuxVm, type LinuxVmOptions } from '../../../lib/lab/guest/linux-vm.js';
import { createHosts } from '../../../lib/lab/hosts/create-hosts.js';
import type { Hosts } from '../../../lib/lab/hosts/host.js';
import { defaultLink } from '../../../lib/lab/model/link.js';
import { Workspace } from '../../../lib/system/workspace.js';
import { findQemu, testedVersion } from '../../harness/requirements.js';

export const memoryBytes = 256 * mebibyte;

export interface LabQemu {
  readonly binary: string;
  /** It has the series: a migration of a running guest leaves equal memories, under TCG as well. */
  readonly patched: boolean;
}

/** The patched one if it has been built, else the system's. */
export function needLabQemu(context: TestContext): LabQemu {
  const built = findQemu(testedVersion);
  if (built) return { binary: built.binary, patched: true };
  const binary = 'qemu-system-x86_64';
  if (spawnSync(binary, ['--version']).error) context.skip(`needs ${binary}`);
  return { binary, patched: false };
}

/** Starts a destination for the VM, moves it there, and leaves it paused. */
export async function move(
  source: LinuxVm,
  destinationOptions: LinuxVmOptions,
  hosts: Hosts,
): Promise<LinuxVm> {
  const destination = await LinuxVm.start({ ...destinationOptions, incoming: true });
  const uri = hosts.migrationUri(destinationOptions.host);
  const capabilities = [{ capability: 'events', state: true }];
  for (const { machine } of [source, destination]) {
    await machine.qmp.execute('migrate-set-capabilities', { capabilities });
  }
  const arrived = destination.machine.qmp.events('MIGRATION');
  const sent = source.machine.qmp.events('MIGRATION');
  try {
    await destination.machine.qmp.execute('migrate-incoming', { uri });
    await source.machine.qmp.execute('migrate-set-parameters', {
      'max-bandwidth': hosts.qemuBytesPerSecond,
      'downtime-limit': 5000,
    });
    await source.machine.qmp.execute('migrate', { uri });
    for (const events of [sent, arrived]) {
      const end = await events.until(({ data: { status } }) =>
        ['completed', 'failed'].includes(String(status)),
      );
      const { status } = end.data;
      if (status !== 'completed') throw new Error('the migration failed');
    }
    return destination;
  } catch (error) {
    await destination.machine.kill();
    throw error;
  } finally {
    arrived.close();
    sent.close();
  }
}

interface LoopbackGuestsOptions {
  readonly binary: string;
  /** Of native/guest/linux. */
  readonly programs: readonly string[];
  readonly processors: number;
}

interface LoopbackGuests {
  readonly image: Image;
  /** A guest on the first host, not booted yet. */
  start(
    further?: Pick<LinuxVmOptions, 'memory' | 'arguments'> & { image?: Image },
  ): Promise<LinuxVm>;
  /** Moves it to the second host, to a machine of its own each time, and leaves it paused there. */
  move(source: LinuxVm, further?: readonly string[]): Promise<LinuxVm>;
}

/** Guests on two hosts that are this machine, without a network; all of it is gone when the test ends. */
export async function loopbackGuests(
  context: TestContext,
  { programs, ...machine }: LoopbackGuestsOptions,
): Promise<LoopbackGuests> {
  const workspace = Workspace.create(2 * memoryBytes);
  context.onTestFinished(() => workspace.remove());
  const hosts = await createHosts({ workspace, link: defaultLink, kind: 'loopback' });
  context.onTestFinished(() => hosts.close());
  const [here, there] = hosts.list;
  if (!here || !there) throw new Error('there are no two hosts');
  const image = await guestImage({ workspace, programs, network: false, disk: false });
  const common = { ...machine, workspace, image, memoryBytes, accelerator: 'tcg' } as const;
  let moves = 0;
  const endWithTest = (vm: LinuxVm) => {
    context.onTestFinished(() => vm.machine.kill());
    return vm;
  };
  return {
    image,
    start: async (further = {}) =>
      endWithTest(await LinuxVm.start({ ...common, name: 'source', host: here, ...further })),
    move: async (source, further = []) => {
      moves += 1;
      const destination = { ...common, name: `destination-${moves}`, host: there };
      return endWithTest(await move(source, { ...destination, arguments: further }, hosts));
    },
  };
}
