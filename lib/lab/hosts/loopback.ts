// Hosts in name only: one machine, private sockets, and QEMU's own limit in place of a link.
import { linkBytesPerSecond } from '../model/link.js';
import type { Host, Hosts, HostsOptions } from './host.js';

/** Hosts without a network between them. */
export class LoopbackHosts implements Hosts {
  readonly list: readonly Host[];
  readonly client: Host = { name: 'client', prefix: [], address: null };
  readonly qemuBytesPerSecond: number;
  readonly description: string;
  readonly #workspace: HostsOptions['workspace'];
  #sockets = 0;

  constructor(
    { workspace, link, count = 2 }: HostsOptions,
    readonly sharedDirectory: string,
    reason: string,
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
      `${megabitsPerSecond} Mbit/s (${reason})`;
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
