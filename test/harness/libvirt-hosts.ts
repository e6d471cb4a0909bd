// Hosts of libvirt on this machine, each with a daemon, a network card, a name and files of its own, in namespaces; and
// VMs at work on them. All of it is gone when the test ends, also when that is killed.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { TestContext } from 'vitest';
import { Virsh } from '../../lib/fleet/drivers/libvirt/virsh.js';
import { mebibyte } from '../../lib/format/bytes.js';
import { createHosts } from '../../lib/lab/hosts/create-hosts.js';
import type { Host } from '../../lib/lab/hosts/host.js';
import { linkSchema } from '../../lib/lab/model/link.js';
import { assembleGuest, type GuestOptions, type GuestState } from '../../lib/qemu/machine/guest.js';
import { parseSite } from '../../lib/site/read-site.js';
import type { Site } from '../../lib/site/site.js';
import { type Companion, startCompanion } from '../../lib/system/companion.js';
import { run } from '../../lib/system/processes.js';
import { Workspace } from '../../lib/system/workspace.js';
import { makeCertificates } from './certificates.js';
import { needLibvirt, needRoot } from './requirements.js';
import { guestBehind, ramBytesOf } from './small-site.js';

/** A VM of the hosts. */
export interface LibvirtVm {
  readonly host: string;
  readonly guest: GuestOptions;
  /** Only running, and not defined; default: no. */
  readonly transient?: boolean;
  /** Not there at first; default: it is. */
  readonly notStarted?: boolean;
  /** Started with its host; default: no. */
  readonly autostart?: boolean;
  /** Without the filter; default: with it. */
  readonly plain?: boolean;
  /** Elements beside the usual ones. */
  readonly devices?: string;
  readonly memoryBacking?: string;
}

export interface LibvirtHostsOptions {
  readonly binary: string;
  readonly vms: Readonly<Record<string, LibvirtVm>>;
  readonly hosts?: number;
  /** Memory for VMs that come later, in bytes; default: none. */
  readonly room?: number;
  readonly megabitsPerSecond?: number;
  /** Their QEMUs have certificates, and take no guest in the clear; default: no. */
  readonly tls?: boolean;
}

const hostMemory = 1024 * mebibyte;
const appearMs = 30_000;
const pollMs = 50;
const keptLogCharacters = 2000;

/** What a daemon has to have for itself: where it is for the daemon, and in the folder of its host. */
const privateFolders = {
  '/run': 'run',
  '/var/lib': 'lib',
  '/var/log': 'log',
  '/var/cache': 'cache',
  '/etc/libvirt': 'etc',
} as const;

const qemuSettings = [
  'user = "root"',
  'group = "root"',
  'security_driver = "none"',
  'dynamic_ownership = 0',
  'remember_owner = 0',
  'namespaces = [ ]',
  'cgroup_controllers = [ ]',
];

/** Users whom libvirt's package for whole systems would have added: the daemon ends without them. */
const users = {
  passwd: 'libvirt-qemu:x:64055:64055::/:/bin/false',
  group: 'libvirt-qemu:x:64055:',
};

async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  const giveUpAt = performance.now() + appearMs;
  while (!(await condition())) {
    if (performance.now() > giveUpAt) throw new Error(`${what} did not come within ${appearMs} ms`);
    await pause(pollMs);
  }
}

/** One host and its daemon. */
export class LibvirtTestHost {
  readonly name: string;
  readonly #folder: string;
  readonly #host: Host;
  #init: Companion | undefined;

  constructor(name: string, folder: string, host: Host) {
    this.name = name;
    this.#folder = folder;
    this.#host = host;
  }

  /** Where the daemon is reached from here, and by other hosts. */
  get uris(): { readonly uri: string; readonly peerUri: string } {
    return {
      uri: `qemu:///system?socket=${this.path('run/libvirt/libvirt-sock')}`,
      peerUri: `qemu+tcp://${this.#host.address}/system`,
    };
  }

  get address(): string {
    return this.#host.address ?? '';
  }

  get virsh(): Virsh {
    return new Virsh(this.uris.uri);
  }

  /** A file of its folder. */
  path(name: string): string {
    return `${this.#folder}/${name}`;
  }

  async start(number: number, certificates: string | undefined): Promise<void> {
    for (const name of [...Object.values(privateFolders), 'lib/libvirt', 'log/libvirt']) {
      mkdirSync(this.path(name), { recursive: true });
    }
    for (const [file, line] of Object.entries(users)) {
      writeFileSync(this.path(file), `${readFileSync(`/etc/${file}`, 'utf8').trim()}\n${line}\n`);
    }
    const tls = [
      `migrate_tls_x509_cert_dir = "${certificates}"`,
      ...['migrate_tls_x509_verify = 1', 'migrate_tls_force = 1'],
    ];
    const all = [...qemuSettings, ...(certificates === undefined ? [] : tls)];
    writeFileSync(this.path('etc/qemu.conf'), `${all.join('\n')}\n`);
    const settings = [
      ...['listen_tls = 0', 'listen_tcp = 1', 'auth_tcp = "none"', 'auth_unix_rw = "none"'],
      'log_outputs = "3:file:/var/log/libvirtd.log"',
      `host_uuid = "${String(number).padStart(8, '0')}-1111-4111-8111-111111111111"`,
    ];
    writeFileSync(this.path('etc/libvirtd.conf'), `${settings.join('\n')}\n`);
    const mounts = [
      ...Object.keys(users).map((file) => [this.path(file), `/etc/${file}`]),
      ...Object.entries(privateFolders).map(([to, name]) => [this.path(name), to]),
    ];
    const script = [
      'set -e',
      ...mounts.map(([from, to]) => `mount --bind '${from}' ${to}`),
      `hostname ${this.name}`,
      'virtlogd --daemon',
      'libvirtd --daemon --listen',
      // It is the parent of all orphans.
      'while :; do sleep 1; done',
    ];
    writeFileSync(this.path('init.sh'), `${script.join('\n')}\n`);
    const isolated = ['--mount', '--uts', '--ipc', '--pid', '--fork', '--kill-child'];
    this.#init = await startCompanion([
      ...this.#host.prefix,
      ...['unshare', ...isolated, '--mount-proc', 'sh', this.path('init.sh')],
    ]);
    await this.untilAnswers();
  }

  /** Waits until its daemon answers. */
  async untilAnswers(): Promise<void> {
    const answers = async () => (await this.virsh.attempt(['hostname'])).succeeded;
    await until(answers, `The daemon of ${this.name}`);
  }

  /** The words that run something inside. */
  get #inside(): string[] {
    const pid = this.#init?.pid ?? 0;
    const [child = ''] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ');
    return [`--target=${child}`, '--mount', '--uts', '--ipc', '--pid', '--net', '--'];
  }

  /** Kills its daemon, whose VMs go on; what it has logged is returned if it had ended by itself. */
  async killDaemon(): Promise<string | undefined> {
    const kill = [
      'pid=$(cat /run/libvirtd.pid)',
      'kill -KILL "$pid" || echo gone',
      // Until it has ended, another one can't be started.
      'while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done',
    ].join('; ');
    const { stdout } = await run('nsenter', [...this.#inside, 'sh', '-c', kill]);
    if (stdout.trim() === '') return undefined;
    return readFileSync(this.path('log/libvirtd.log'), 'utf8').slice(-keptLogCharacters);
  }

  /** Starts its daemon again. */
  async startDaemon(): Promise<void> {
    await run('nsenter', [...this.#inside, 'libvirtd', '--daemon', '--listen']);
    await this.untilAnswers();
  }

  /** Has its daemon, which was killed while it started a VM's QEMU, forget that VM: what only a person can do. */
  async forget(vm: string): Promise<void> {
    await this.killDaemon();
    await run('nsenter', [...this.#inside, 'rm', `/run/libvirt/qemu/${vm}.xml`]);
    await this.startDaemon();
  }

  /** Kills the QEMU of a VM. */
  async killQemu(vm: string): Promise<void> {
    const kill = `kill -KILL "$(cat /run/libvirt/qemu/${vm}.pid)"`;
    await run('nsenter', [...this.#inside, 'sh', '-c', kill]);
  }

  /** Has a program be missing there. */
  async hide(program: string): Promise<void> {
    const words = ['mount', '--bind', '/dev/null', program];
    await run('nsenter', [...this.#inside, ...words]);
  }

  /** Has its network card carry something, or nothing. */
  async setLink(state: 'up' | 'down'): Promise<void> {
    const [command = '', ...args] = [...this.#host.prefix, 'ip', 'link', 'set', 'nic', state];
    await run(command, args);
  }

  close(): void {
    this.#init?.kill('SIGKILL');
  }
}

/** Hosts of libvirt on this machine, which are gone when the test ends. */
export class LibvirtHosts {
  readonly workspace: Workspace;
  readonly hosts = new Map<string, LibvirtTestHost>();
  /** Their description. */
  readonly file: string;
  readonly #options: LibvirtHostsOptions;
  readonly #vms: Map<string, LibvirtVm>;

  private constructor(workspace: Workspace, options: LibvirtHostsOptions) {
    this.workspace = workspace;
    this.file = workspace.path('site.yaml');
    this.#options = options;
    this.#vms = new Map(Object.entries(options.vms));
  }

  /** Words that name the site and its journal to a command. */
  get where(): string[] {
    return ['--site', this.file, '--state', this.workspace.path('state')];
  }

  /** One more VM, at work. */
  async addVm(name: string, vm: LibvirtVm): Promise<void> {
    this.#vms.set(name, vm);
    await this.#boot(name);
    this.#describe();
  }

  #describe(): void {
    writeFileSync(this.file, JSON.stringify(this.description, undefined, 2));
  }

  static async start(context: TestContext, options: LibvirtHostsOptions): Promise<LibvirtHosts> {
    needRoot(context, 'for hosts in namespaces');
    needLibvirt(context);
    const { vms, hosts: count = 2, megabitsPerSecond = 1000, tls = false } = options;
    const { room = 0 } = options;
    const sizes = Object.values(vms).map(({ guest }) => ramBytesOf(guest));
    const workspace = Workspace.create(
      2 * sizes.reduce((sum, size) => sum + size, mebibyte + room),
    );
    context.onTestFinished(() => workspace.remove());
    const link = linkSchema.parse({ megabitsPerSecond });
    const network = await createHosts({ workspace, link, count, kind: 'namespaces' });
    context.onTestFinished(() => network.close());
    const all = new LibvirtHosts(workspace, options);
    if (tls)
      await makeCertificates(
        all.#certificates,
        network.list.map(({ address }) => address ?? ''),
      );
    context.onTestFinished(() => {
      for (const host of all.hosts.values()) host.close();
    });
    await Promise.all(
      network.list.map(async (each, at) => {
        const name = `h${at + 1}`;
        const host = new LibvirtTestHost(name, workspace.path(name), each);
        all.hosts.set(name, host);
        await host.start(at + 1, tls ? all.#certificates : undefined);
      }),
    );
    for (const [name, { notStarted = false }] of Object.entries(vms)) {
      if (!notStarted) await all.#boot(name);
    }
    all.#describe();
    return all;
  }

  get #certificates(): string {
    return this.workspace.path('certificates');
  }

  host(name: string): LibvirtTestHost {
    const host = this.hosts.get(name);
    if (!host) throw new Error(`There is no host ${name}.`);
    return host;
  }

  /** The description of the site, as a person would write it. */
  get description(): object {
    const { megabitsPerSecond = 1000, tls = false } = this.#options;
    const certificates = tls ? { tls: { folder: this.#certificates } } : {};
    const hosts = [...this.hosts].map(([name, { uris, address }]) => {
      const cards = { nic: `${megabitsPerSecond}Mbit` };
      return [
        name,
        { driver: 'libvirt', memory: hostMemory, cards, address, ...uris, ...certificates },
      ] as const;
    });
    const machines = [...this.#vms].map(
      ([name, { host, guest }]) => [name, { host, memory: ramBytesOf(guest) }] as const,
    );
    return { format: 1, hosts: Object.fromEntries(hosts), vms: Object.fromEntries(machines) };
  }

  get site(): Site {
    return parseSite(JSON.stringify(this.description), this.file);
  }

  #vm(name: string): LibvirtVm {
    const vm = this.#vms.get(name);
    if (!vm) throw new Error(`There is no VM ${name}.`);
    return vm;
  }

  async #boot(name: string): Promise<void> {
    const { host: at, transient = false, autostart = false } = this.#vm(name);
    const host = this.host(at);
    const file = host.path(`${name}.xml`);
    writeFileSync(file, await this.#xml(name));
    await host.virsh.run([transient ? 'create' : 'define', file], appearMs);
    if (!transient) await host.virsh.run(['start', name], appearMs);
    if (autostart) await host.virsh.run(['autostart', name]);
    await this.untilAtWork(name, at);
  }

  /** Waits until its guest answers. */
  async untilAtWork(name: string, at: string): Promise<void> {
    // It says that it is ready first, perhaps while nobody listens.
    const answers = () =>
      this.guest(name, at).then(
        () => true,
        () => false,
      );
    await until(answers, `The guest of ${name}`);
  }

  async #xml(name: string): Promise<string> {
    const { guest, plain = false, devices = '', memoryBacking } = this.#vm(name);
    const folder = this.workspace.path(`${name}.firmware`);
    mkdirSync(folder);
    const within = { path: (file: string) => `${folder}/${file}` } as Workspace;
    const firmware = await assembleGuest(within, guest);
    const filter = ['-global', 'migration.x-fake-dirty-filter=on'];
    const backing = memoryBacking ?? "<source type='memfd'/><access mode='shared'/>";
    return `<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>${name}</name>
  <memory unit='b'>${ramBytesOf(guest)}</memory>
  <memoryBacking>${backing}</memoryBacking>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type>
    <loader type='rom'>${firmware}</loader>
  </os>
  <devices>
    <emulator>${this.#options.binary}</emulator>
    <serial type='unix'><source mode='bind' path='/run/${name}.serial'/></serial>
    <memballoon model='none'/>
    ${devices}
  </devices>
  <qemu:commandline>
    ${(plain ? [] : filter).map((word) => `<qemu:arg value='${word}'/>`).join('')}
  </qemu:commandline>
</domain>
`;
  }

  /** Has the guest check itself, on that host. */
  async guest(name: string, at: string): Promise<GuestState> {
    const serial = this.host(at).path(`run/${name}.serial`);
    await until(() => Promise.resolve(existsSync(serial)), serial);
    return await guestBehind(serial);
  }

  /** The state of a domain on a host, as libvirt names it; undefined where there is none. */
  async state(name: string, at: string): Promise<string | undefined> {
    const { lines, succeeded } = await this.host(at).virsh.attempt(['domstate', name]);
    return succeeded ? lines[0] : undefined;
  }
}
