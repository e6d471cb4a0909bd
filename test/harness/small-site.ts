// A site on this machine: hosts in network namespaces, and VMs at work on them, started as their owner would have.
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { TestContext } from 'vitest';
import { mebibyte } from '../../lib/format/bytes.js';
import { createHosts } from '../../lib/lab/hosts/create-hosts.js';
import type { Host } from '../../lib/lab/hosts/host.js';
import { linkSchema } from '../../lib/lab/model/link.js';
import {
  assembleGuest,
  type GuestOptions,
  type GuestState,
  guestRamBytes,
  guestState,
} from '../../lib/qemu/machine/guest.js';
import { SerialLine } from '../../lib/qemu/machine/serial-line.js';
import type { Place } from '../../lib/site/place.js';
import { parseSite } from '../../lib/site/read-site.js';
import type { Site } from '../../lib/site/site.js';
import { type Companion, startCompanion } from '../../lib/system/companion.js';
import { endNow, findProcess } from '../../lib/system/detached.js';
import { Workspace } from '../../lib/system/workspace.js';
import { needRoot } from './requirements.js';

/** A VM of the site. */
export interface SmallVm {
  readonly host: string;
  readonly guest: GuestOptions;
}

export interface SmallSiteOptions {
  readonly binary: string;
  readonly vms: Readonly<Record<string, SmallVm>>;
  readonly hosts?: number;
  readonly megabitsPerSecond?: number;
  /** What else the site says of its hosts, by name. */
  readonly more?: Readonly<Record<string, object>>;
  readonly rules?: readonly object[];
}

const hostMemory = 1024 * mebibyte;
const appearMs = 30_000;

async function untilAnswers<Result>(ask: () => Promise<Result>): Promise<Result> {
  const giveUpAt = performance.now() + appearMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
      await pause(20);
    }
  }
}

function connected(path: string): Promise<SerialLine> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('error', reject);
    socket.once('connect', () => resolve(new SerialLine(socket)));
  });
}

/** A site on this machine, which is gone when the test ends. */
export class SmallSite {
  readonly workspace: Workspace;
  /** Its description. */
  readonly file: string;
  readonly #prefixes: ReadonlyMap<string, readonly string[]>;
  readonly #machines = new Map<string, Companion>();

  private constructor(workspace: Workspace, hosts: readonly Host[]) {
    this.workspace = workspace;
    this.file = workspace.path('site.yaml');
    this.#prefixes = new Map(hosts.map(({ prefix }, at) => [`h${at + 1}`, prefix]));
  }

  static async start(context: TestContext, options: SmallSiteOptions): Promise<SmallSite> {
    needRoot(context, 'for hosts in network namespaces');
    const { vms, hosts: count = 3, megabitsPerSecond = 1000 } = options;
    const sizes = Object.values(vms).map(({ guest }) => ramBytesOf(guest));
    const workspace = Workspace.create(2 * sizes.reduce((sum, size) => sum + size, mebibyte));
    context.onTestFinished(() => workspace.remove());
    const link = linkSchema.parse({ megabitsPerSecond });
    const hosts = await createHosts({ workspace, link, count, kind: 'namespaces' });
    context.onTestFinished(() => hosts.close());
    const site = new SmallSite(workspace, hosts.list);
    context.onTestFinished(() => site.#endAll());
    await site.#describe(hosts.list, options);
    for (const name of Object.keys(vms)) await site.#boot(name, vms[name]?.host ?? '', options);
    return site;
  }

  get site(): Site {
    return parseSite(readFileSync(this.file, 'utf8'), this.file);
  }

  /** The folder of what is started on a host. */
  folder(host: string): string {
    return this.workspace.path(host);
  }

  async #describe(hosts: readonly Host[], options: SmallSiteOptions): Promise<void> {
    const { binary, vms, megabitsPerSecond = 1000, more = {}, rules = [] } = options;
    const described = hosts.map(({ prefix, address }, at) => {
      const name = `h${at + 1}`;
      mkdirSync(this.folder(name), { mode: 0o700 });
      const host = {
        driver: 'qmp',
        memory: hostMemory,
        cards: { nic: `${megabitsPerSecond}Mbit` },
        address,
        qemu: binary,
        folder: this.folder(name),
        networkNamespace: prefix[1]?.replace('--net=/run/netns/', ''),
        ...more[name],
      };
      return [name, host] as const;
    });
    const machines = await Promise.all(
      Object.entries(vms).map(async ([name, { host, guest }]) => {
        const vm = {
          host,
          memory: ramBytesOf(guest),
          qmp: this.#qmp(name),
          arguments: await this.#arguments(name, guest),
        };
        return [name, vm] as const;
      }),
    );
    const site = {
      format: 1,
      hosts: Object.fromEntries(described),
      vms: Object.fromEntries(machines),
      rules,
    };
    writeFileSync(this.file, JSON.stringify(site, undefined, 2));
  }

  async #arguments(name: string, guest: GuestOptions): Promise<string[]> {
    const bytes = ramBytesOf(guest);
    const sub = this.workspace.path(`${name}.firmware`);
    mkdirSync(sub);
    const within = { path: (file: string) => `${sub}/${file}` } as Workspace;
    const firmware = await assembleGuest(within, guest);
    const memory = `memory-backend-file,id=ram,size=${bytes},share=on,mem-path={folder}/ram`;
    return [
      ...['-nodefaults', '-no-user-config', '-display', 'none', '-vga', 'none', '-accel', 'tcg'],
      ...['-object', memory, '-machine', 'pc-i440fx-7.2,memory-backend=ram'],
      ...['-m', `${bytes / 1024}k`, '-bios', firmware],
      ...['-chardev', 'socket,id=serial0,path={folder}/serial.sock,server=on,wait=off'],
      ...['-serial', 'chardev:serial0'],
    ];
  }

  #first(name: string): string {
    return this.workspace.path(`first-${name}`);
  }

  #qmp(name: string): string {
    return `${this.#first(name)}/qmp.sock`;
  }

  async #boot(
    name: string,
    host: string,
    { binary }: Pick<SmallSiteOptions, 'binary'>,
  ): Promise<void> {
    const folder = this.#first(name);
    mkdirSync(folder, { mode: 0o700, recursive: true });
    const words = this.site.vms[name]?.arguments ?? [];
    const machine = await startCompanion([
      ...(this.#prefixes.get(host) ?? []),
      binary,
      ...words.map((word) => word.replaceAll('{folder}', folder)),
      ...['-qmp', `unix:${this.#qmp(name)},server=on,wait=off`],
      // For what somebody does by hand while the other one is in use.
      ...['-monitor', `unix:${folder}/monitor.sock,server=on,wait=off`],
    ]);
    this.#machines.set(name, machine);
    await untilAnswers(() => guestAt(folder));
  }

  /** Starts a VM that has ended again where it was, as a supervisor of services does. */
  async startAgain(name: string, binary: string): Promise<void> {
    await this.#boot(name, this.site.vms[name]?.host ?? '', { binary });
  }

  /** Starts one more VM, and describes it. */
  async addVm(name: string, { host, guest }: SmallVm, binary: string): Promise<void> {
    const vm = {
      host,
      memory: ramBytesOf(guest),
      qmp: this.#qmp(name),
      arguments: await this.#arguments(name, guest),
    };
    this.rewrite((text) => {
      const described = JSON.parse(text);
      described.vms[name] = vm;
      return JSON.stringify(described, undefined, 2);
    });
    await this.#boot(name, host, { binary });
  }

  /** Takes a VM out of the description: it has ended, and nobody starts it again. */
  removeVm(name: string): void {
    this.rewrite((text) => {
      const described = JSON.parse(text);
      delete described.vms[name];
      return JSON.stringify(described, undefined, 2);
    });
  }

  /** What tells commands which site this is. */
  get where(): string[] {
    return ['--site', this.file, '--state', this.workspace.path('state')];
  }

  /** The network namespace of a host. */
  namespace(host: string): string {
    const described = this.site.hosts[host];
    return (described?.driver === 'qmp' && described.networkNamespace) || '';
  }

  /** Changes what the file says. */
  rewrite(change: (text: string) => string): void {
    writeFileSync(this.file, change(readFileSync(this.file, 'utf8')));
  }

  /** Ends the QEMU that was started for an arrival at that place. */
  killAt(place: Place): void {
    const qmp = place.driver === 'qmp' ? place.qmp : '';
    const qemu = findProcess((words) => words.some((word) => word.includes(`path=${qmp},`)));
    if (qemu) process.kill(qemu.pid, 'SIGKILL');
  }

  /** What somebody types at the monitor of a VM as it was started first. */
  async byHand(name: string, words: string): Promise<void> {
    const socket = connect(`${this.#first(name)}/monitor.sock`);
    await once(socket, 'data');
    socket.write(`${words}\n`);
    await pause(200);
    socket.destroy();
  }

  /** The process of a VM as it was started first. */
  firstPid(name: string): number {
    return this.#machines.get(name)?.pid ?? 0;
  }

  /** The folder of a VM at a host to which it was moved, or of its first one. */
  folderOf(name: string, qmp?: string): string {
    return qmp === undefined ? this.#first(name) : qmp.replace(/\/qmp\.sock$/, '');
  }

  /** Everything in the workspace: QEMUs that were started by what is tested. */
  async #endAll(): Promise<void> {
    for (const machine of this.#machines.values()) machine.kill('SIGKILL');
    for (;;) {
      const mark = `path=${this.workspace.directory}/`;
      const qemu = findProcess((words) => words.some((word) => word.includes(mark)));
      if (!qemu) return;
      await endNow(qemu, appearMs);
    }
  }
}

/** The memory of a guest, in whole MiB. */
export function ramBytesOf(guest: GuestOptions): number {
  return Math.ceil(guestRamBytes(guest) / mebibyte) * mebibyte;
}

/** Has the guest check itself, over its serial port. */
export async function guestBehind(socket: string): Promise<GuestState> {
  const serial = await connected(socket);
  try {
    return await guestState(serial);
  } finally {
    serial.close();
  }
}

/** Has the guest of that folder's QEMU check itself. */
export async function guestAt(folder: string): Promise<GuestState> {
  return await guestBehind(`${folder}/serial.sock`);
}
