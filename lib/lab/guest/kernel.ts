// Debian's kernel for virtual machines, and the modules of it that the guest loads.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Log, packageBehind, unpackedPackages } from './debian/packages.js';
import { GuestImageError } from './guest-image-error.js';

const kernelPackage = 'linux-image-cloud-amd64';

/** In the order of their dependencies. */
const virtioModules = [
  'drivers/virtio/virtio_ring',
  'drivers/virtio/virtio',
  'drivers/virtio/virtio_pci_modern_dev',
  'drivers/virtio/virtio_pci_legacy_dev',
  'drivers/virtio/virtio_pci',
];
const networkModules = ['net/core/failover', 'drivers/net/net_failover', 'drivers/net/virtio_net'];
const diskModules = ['drivers/block/virtio_blk'];

/** The devices that the guest needs modules for. */
export interface Devices {
  readonly network: boolean;
  readonly disk: boolean;
}

/** A kernel, unpacked. */
export interface Kernel {
  readonly version: string;
  readonly image: string;
  /** The files of the modules for these devices, in the order in which the guest loads them. */
  modulesFor(devices: Devices): string[];
}

/** The newest kernel of the distribution, fetched if need be. */
export async function guestKernel(log?: Log): Promise<Kernel> {
  const name = await packageBehind(kernelPackage, 'linux-image-', log);
  const request = { names: [name], withDependencies: false, ...(log ? { log } : {}) };
  const tree = await unpackedPackages(request);
  const file = readdirSync(join(tree, 'boot')).find((entry) => entry.startsWith('vmlinuz-'));
  const version = file?.replace('vmlinuz-', '');
  if (!file || !version) throw new GuestImageError(`${name} has no kernel in boot/`);
  return {
    version,
    image: join(tree, 'boot', file),
    modulesFor: ({ network, disk }) => {
      const further = [...(network ? networkModules : []), ...(disk ? diskModules : [])];
      const modules = (further.length > 0 ? [...virtioModules, ...further] : []).map((module) =>
        join(tree, 'lib/modules', version, 'kernel', `${module}.ko`),
      );
      const missing = modules.find((module) => !existsSync(module));
      if (missing) throw new GuestImageError(`${name} has no ${missing}`);
      return modules;
    },
  };
}
