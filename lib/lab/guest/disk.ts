// The disk of a guest: a file that all hosts share. QEMU hands its lock over with the guest.
import { closeSync, ftruncateSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Hosts } from '../hosts/host.js';

/** The size of the disk. The file is sparse: it takes no more room than what has been written. */
export const diskBytes = 1 << 30;

/** Makes an empty disk and returns its file. */
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

/** QEMU's arguments for the disk. The QEMU whose guest runs locks it: a second writer is an error, not a corrupt disk. */
export function diskArguments(file: string): string[] {
  const protocol = { driver: 'file', filename: file, locking: 'on' };
  const node = { driver: 'raw', 'node-name': 'disk0', file: protocol };
  return [...['-blockdev', JSON.stringify(node)], ...['-device', 'virtio-blk-pci,drive=disk0']];
}
