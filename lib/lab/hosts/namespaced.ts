// Hosts as network namespaces. Each has one network card, which its VMs share with migrations, as on a
// machine with one card; all cards are plugged into a switch, which is another namespace:
//
//   host1: br0 [ tap… , nic ]====[ host1 ]
//   host2: br0 [ tap… , nic ]====[ host2 ]  br0: switch
//   client:          nic     ====[ client ]
//
// The machine's own devices stay as they are. All devices belong to the namespaces, and are removed with them.
import { existsSync, readdirSync } from 'node:fs';
import { isAbandoned, ownedName } from '../../system/owner.js';
import { CommandError, outputOf, run, runSync } from '../../system/processes.js';
import { undoAtExit } from '../../system/signals.js';
import { describeLink, type Link } from '../model/link.js';
import type { Host, Hosts, HostsOptions } from './host.js';
import { HostsError } from './hosts-error.js';
import { linkCommands, needsNetem, rateCommands } from './link-shaping.js';

const namespaceDirectory = '/run/netns';
const network = '10.77.0';
const clientNumber = 200;
const port = 4444;
let made = 0;

async function ip(...args: string[]): Promise<void> {
  await run('ip', args);
}

/** Ends what runs in a namespace and removes it. */
function removeNamespace(name: string): void {
  const pids = outputOf('ip', 'netns', 'pids', name) ?? '';
  for (const pid of pids.split('\n').filter(Boolean)) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It has ended in the meantime.
    }
  }
  runSync('ip', ['netns', 'del', name]);
}

/** Removes what killed runs have left, and returns the names. */
export function removeAbandonedNamespaces(): string[] {
  if (!existsSync(namespaceDirectory)) return [];
  const names = readdirSync(namespaceDirectory).filter(isAbandoned);
  for (const name of names) {
    try {
      removeNamespace(name);
    } catch (error) {
      // Another process removed it first.
      if (existsSync(`${namespaceDirectory}/${name}`)) throw error;
    }
  }
  return names;
}

/** The reason why this machine or user can have no namespaces; undefined: they can. */
export function whyNoNamespaces(): string | undefined {
  if (process.getuid?.() !== 0) return 'this is not root';
  const name = ownedName('trial');
  try {
    runSync('ip', ['netns', 'add', name]);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const { exitCode, stderr, message } = error;
    return exitCode === null
      ? `${message} (package iproute2)`
      : `"ip netns add" fails: ${stderr.trim()}`;
  }
  removeNamespace(name);
  return undefined;
}

/** TCP's congestion control between the hosts, whatever the machine's own is: every kernel has this one. */
export const congestionControl = 'reno';

/** Hosts with a network between them. */
export class NamespacedHosts implements Hosts {
  readonly list: readonly Host[];
  readonly client: Host;
  readonly qemuBytesPerSecond = 0;
  readonly #names: string[] = [];
  readonly #cancelCleanup: () => void;
  readonly #mark: string;
  #taps = 0;

  private constructor(
    count: number,
    readonly sharedDirectory: string,
    readonly description: string,
  ) {
    made += 1;
    this.#mark = `n${made}`;
    this.#cancelCleanup = undoAtExit(() => this.#remove());
    this.list = Array.from({ length: count }, (_, at) => this.#host(`host${at + 1}`, at + 1));
    this.client = this.#host('client', clientNumber);
  }

  static async create(
    { link, count = 2 }: HostsOptions,
    sharedDirectory: string,
    description: string,
  ): Promise<NamespacedHosts> {
    if (count < 1 || count >= clientNumber / 2) {
      throw new RangeError(`${count} hosts were asked for; expected 1 to ${clientNumber / 2 - 1}`);
    }
    removeAbandonedNamespaces();
    const hosts = new NamespacedHosts(count, sharedDirectory, description);
    try {
      await hosts.#build(link);
      return hosts;
    } catch (error) {
      hosts.close();
      throw error;
    }
  }

  migrationUri(to: Host): string {
    return `tcp:${to.address}:${port}`;
  }

  async addTap(host: Host): Promise<string> {
    const namespace = this.#namespace(host.name);
    const tap = `tap${this.#taps}`;
    this.#taps += 1;
    await ip('-n', namespace, 'tuntap', 'add', 'dev', tap, 'mode', 'tap');
    await ip('-n', namespace, 'link', 'set', tap, 'master', 'br0', 'up');
    return tap;
  }

  close(): void {
    this.#cancelCleanup();
    this.#remove();
  }

  #namespace(name: string): string {
    return ownedName(`${this.#mark}${name}`);
  }

  #host(name: string, number: number): Host {
    return {
      name,
      prefix: ['nsenter', `--net=${namespaceDirectory}/${this.#namespace(name)}`, '--'],
      address: `${network}.${number}`,
    };
  }

  #remove(): void {
    for (const name of this.#names.splice(0)) removeNamespace(name);
  }

  async #addNamespace(name: string): Promise<string> {
    const namespace = this.#namespace(name);
    await ip('netns', 'add', namespace);
    this.#names.push(namespace);
    await ip('-n', namespace, 'link', 'set', 'lo', 'up');
    return namespace;
  }

  /**
   * A bridge without an address of its own takes the lowest one of its ports: that would change when a VM comes or
   * goes, and the other hosts would not reach it for a minute.
   */
  async #addBridge(namespace: string, number: number): Promise<void> {
    const address = `02:fd:00:00:00:${number.toString(16).padStart(2, '0')}`;
    await ip('-n', namespace, 'link', 'add', 'br0', 'address', address, 'type', 'bridge');
    await ip('-n', namespace, 'link', 'set', 'br0', 'up');
  }

  async #build(link: Link): Promise<void> {
    const hub = await this.#addNamespace('switch');
    await this.#addBridge(hub, 0);
    for (const [at, { name, address }] of [...this.list, this.client].entries()) {
      const namespace = await this.#addNamespace(name);
      await ip(
        'link',
        'add',
        'nic',
        'netns',
        namespace,
        ...['type', 'veth'],
        'peer',
        'name',
        name,
        'netns',
        hub,
      );
      await ip('-n', hub, 'link', 'set', name, 'master', 'br0', 'up');
      let holder = 'nic';
      if (name !== this.client.name) {
        await this.#addBridge(namespace, at + 1);
        await ip('-n', namespace, 'link', 'set', 'nic', 'master', 'br0');
        holder = 'br0';
      }
      await ip('-n', namespace, 'link', 'set', 'nic', 'up');
      await ip('-n', namespace, 'address', 'add', `${address}/24`, 'dev', holder, 'noprefixroute');
      const route = [`${network}.0/24`, 'dev', holder, 'congctl', congestionControl];
      await ip('-n', namespace, 'route', 'add', ...route);
      await this.#shape(namespace, linkCommands('nic', link), link);
      await this.#shape(hub, rateCommands(name, link), link);
    }
  }

  async #shape(namespace: string, commands: readonly string[][], link: Link): Promise<void> {
    for (const args of commands) {
      try {
        await run('tc', ['-n', namespace, ...args]);
      } catch (cause) {
        const { stderr = '' } = cause as { stderr?: string };
        const advice = needsNetem(link)
          ? 'Delay and loss need a kernel with netem (CONFIG_NET_SCH_NETEM): use one that has it, or remove delayMs and lossPercent.'
          : 'The rate needs a kernel with tbf (CONFIG_NET_SCH_TBF).';
        throw new HostsError(
          `tc can't make a link with ${describeLink(link)} (${stderr.trim()}). ${advice}`,
          { cause },
        );
      }
    }
  }
}
