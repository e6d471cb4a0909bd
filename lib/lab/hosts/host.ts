// What hosts are: places on one machine that VMs run on, and migrate between.
import type { Workspace } from '../../system/workspace.js';
import type { Link } from '../model/link.js';

/** A place that VMs run on. */
export interface Host {
  readonly name: string;
  /** Words that stand before a command, so that it runs on this host. */
  readonly prefix: readonly string[];
  /** Where the other hosts reach it; null: there is no network between them. */
  readonly address: string | null;
}

/** Hosts, and the link that joins them. */
export interface Hosts {
  /** The hosts that run VMs. */
  readonly list: readonly Host[];
  /** A host without VMs, for load from outside. */
  readonly client: Host;
  /** The same directory on every host. */
  readonly sharedDirectory: string;
  /** The rate that QEMU has to limit itself to, because nothing else does; 0: the link limits it. */
  readonly qemuBytesPerSecond: number;
  /** What the hosts are and what joins them, in a sentence for readers of results. */
  readonly description: string;
  /** Where a VM on that host waits for its migration, and where its source sends it. */
  migrationUri(to: Host): string;
  /** Gives the host a network device for a VM, and returns its name. Null: there is no network. */
  addTap(host: Host): Promise<string | null>;
  /** Removes them, and ends what runs on them. */
  close(): void;
}

/** `auto`: namespaces if this machine and user can have them. */
export type HostsKind = 'auto' | 'namespaces' | 'loopback';

/** What hosts to make. */
export interface HostsOptions {
  readonly workspace: Workspace;
  readonly link: Link;
  /** How many run VMs; 2 by default. */
  readonly count?: number;
  /** auto by default. */
  readonly kind?: HostsKind;
}
