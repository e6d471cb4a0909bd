// Hosts on one machine, for VMs to migrate between.
import { mkdirSync } from 'node:fs';
import type { Workspace } from '../../system/workspace.js';
import { describeLink, type Link, linkBytesPerSecond } from '../model/link.js';
import { congestionControl, NamespacedHosts, whyNoNamespaces } from './namespaced.js';

export interface Host {
  readonly name: string;
  /** Words that stand before a command, so that it runs on this host. */
  readonly prefix: readonly string[];
  /** Where the other hosts reach it; null: there is no network between them. */
  readonly address: string | null;
}

export interface Hosts {
  /** Those that run VMs. */
  readonly list: readonly Host[];
  /** A host without VMs, for load from outside. */
  readonly client: Host;
  /** The same on every host. */
  readonly sharedDirectory: string;
  /** What QEMU has to keep to by itself, since nothing else limits it; 0: the link does. */
  readonly qemuBytesPerSecond: number;
  /** What is between the hosts, in a sentence for the reader of results. */
  readonly description: string;
  /** Where a VM on that host waits for its migration, and where its source sends it. */
  migrationUri(to: Host): string;
  /** Gives the host a network device for a VM; answers its name. Null: there is no network. */
  addTap(host: Host): Promise<string | null>;
  close(): void;
}

/** `auto`: namespaces where they can be had. */
export type HostsKind = 'auto' | 'namespaces' | 'loopback';

export interface HostsOptions {
  readonly workspace: Workspace;
  readonly link: Link;
  /** How many run VMs. */
  readonly count?: number;
  /** auto when not given. */
  readonly kind?: HostsKind;
}

/** Hosts in name only: the same machine, a private socket, and QEMU's own limit. */
class LoopbackHosts implements Hosts {
  readonly list: readonly Host[];
  readonly client: Host = { name: 'client', prefix: [], address: null };
  readonly qemuBytesPerSecond: number;
  readonly description: string;
  readonly #workspace: Workspace;
  #sockets = 0;

  constructor(
    { workspace, link, count = 2 }: HostsOptions,
    readonly sharedDirectory: string,
    why: string,
  ) {
    this.#workspace = workspace;
    this.list = Array.from({ length: count }, (_, at) => ({
      name: `host${at + 1}`,
      prefix: [],
      address: null,
    }));
    this.qemuBytesPerSecond = linkBytesPerSecond(link);
    const { megabitsPerSecond } = link;
    this.description =
      `one machine without a network in between: a UNIX socket, and QEMU's own limit of ` +
      `${megabitsPerSecond} Mbit/s (${why})`;
  }

  migrationUri(to: Host): string {
    this.#sockets += 1;
    return `unix:${this.#workspace.path(`${to.name}-${this.#sockets}.migration`)}`;
  }

  addTap(): Promise<null> {
    return Promise.resolve(null);
  }

  close(): void {}
}

/** The reason why hosts have no network in between here; undefined: they have one. */
export function whyNoNetwork(kind: HostsKind): string | undefined {
  return kind === 'loopback' ? 'as asked' : whyNoNamespaces();
}

/** Hosts joined by the link; removes first what killed runs have left. */
export async function createHosts(options: HostsOptions): Promise<Hosts> {
  const { workspace, link, kind = 'auto' } = options;
  const sharedDirectory = workspace.path('shared');
  mkdirSync(sharedDirectory, { recursive: true });
  const why = whyNoNetwork(kind);
  if (!why) {
    const description = `namespaces of this machine, a switch between them: ${describeLink(link)}, TCP with ${congestionControl}`;
    return await NamespacedHosts.create(options, sharedDirectory, description);
  }
  if (kind === 'namespaces') throw new Error(`Hosts in namespaces can't be made: ${why}.`);
  if (link.delayMs > 0 || link.lossPercent > 0) {
    throw new Error(
      `A link with ${describeLink(link)} needs hosts in namespaces: ${why}. ` +
        'Run as root, or take delayMs and lossPercent away.',
    );
  }
  return new LoopbackHosts(options, sharedDirectory, why);
}
