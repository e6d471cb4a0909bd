// VMs of the lab for tests, and their move from one host to another.
import { spawnSync } from 'node:child_process';
import type { TestContext } from 'vitest';
import { LinuxVm, type LinuxVmOptions } from '../../../lib/lab/guest/linux-vm.js';
import type { Hosts } from '../../../lib/lab/hosts/hosts.js';
import { findQemu, testedVersion } from '../../qemu/machine/available.js';

export const mebibyte = 1 << 20;

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
