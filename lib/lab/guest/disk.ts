// The disk of a guest: a file that all hosts see, which QEMU hands over with the guest.
import { closeSync, ftruncateSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Hosts } from '../hosts/create-hosts.js';

/** It takes no more room than what has been written to it. */
export const diskBytes = 1 << 30;

/** Makes an empty one; answers its file. */
export function makeDisk({ sharedDirectory }: Hosts): string {
  const file = join(sharedDirectory, 'disk.raw');
  const opened = openSync(file, 'wx');
  try {
    ftruncateSync(opened, diskBytes);
  } finally {
    closeSync(opened);
  }
  return file;
}

/** Locked by the QEMU whose guest runs: two that write would be an error, and not a broken disk. */
export function diskArguments(file: string): string[] {
  const protocol = { driver: 'file', filename: file, locking: 'on' };
  const node = { driver: 'raw', 'node-name': 'disk0', file: protocol };
  return [...['-blockdev', JSON.stringify(node)], ...['-device', 'virtio-blk-pci,drive=disk0']];
}
