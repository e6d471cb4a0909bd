// What keeps a VM from being moved by libvirt: found out before anything is moved, all of it at once.
import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { messageOf } from '../../../errors/message-of.js';
import { mebibyte } from '../../../format/bytes.js';
import { bytesText } from '../../../format/text.js';
import type { MoveMethod } from '../../../site/move.js';
import type { LibvirtHost } from '../../../site/site.js';
import { ActError } from '../../errors.js';
import { memoryProblem } from '../memory-problem.js';
import { type DomainDescription, describeDomain } from './description.js';
import type { Domain } from './domain.js';
import { Virsh, workMs } from './virsh.js';

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

/** File systems that several hosts can have, as the kernel numbers them: those that libvirt takes for such. */
const sharedFileSystems = new Set([
  0x6969, // NFS
  0xff534d42, // CIFS
  0xfe534d42, // SMB2
  0x00c36400, // Ceph
  0x01161970, // GFS2
  0x7461636f, // OCFS2
  0x5346414f, // AFS
  0x47504653, // GPFS
  0x65735546, // FUSE, as for GlusterFS
]);

/** Whether the daemon is on this machine, so that its files can be looked at here. */
function isHere(uri: string): boolean {
  return /^[a-z]+(\+unix)?:\/\/\//.test(uri);
}

function isOnSharedFileSystem(path: string): boolean {
  try {
    return sharedFileSystems.has(statfsSync(path).type);
  } catch {
    return false;
  }
}

/** What the method asks for that libvirt can't do. */
export function methodProblems({ name, policy, bytesPerSecond }: MoveMethod): string[] {
  const problems: string[] = [];
  if (name === 'post-copy' && policy.length > 0) {
    problems.push(
      'a policy has no effect with post-copy, which begins at once: leave one of them out',
    );
  }
  if (bytesPerSecond !== undefined && bytesPerSecond > 0 && bytesPerSecond < mebibyte) {
    problems.push('libvirt limits a rate in whole MiB a second: take 9Mbit or more');
  }
  return problems;
}

/** What the domain's description tells. */
export function describedProblems(
  description: DomainDescription,
  { method, memoryBytes, from }: Pick<Checked, 'method' | 'memoryBytes' | 'from'>,
): string[] {
  const { hostDevices, hostFolders, diskFiles, cachedDisks, hasMemoryInFiles } = description;
  const problems: string[] = [];
  if (hostDevices > 0) {
    problems.push(`it has ${hostDevices} of its host's devices for itself: detach them first`);
  }
  if (hostFolders > 0) {
    problems.push(`it shares ${hostFolders} folders with its host, which libvirt does not move`);
  }
  if (isHere(from.uri)) {
    for (const file of diskFiles.filter((path) => !isOnSharedFileSystem(path))) {
      problems.push(`its disk ${file} is on a file system of its host alone: disks do not move`);
    }
  }
  for (const disk of cachedDisks) {
    problems.push(
      `libvirt does not move it with its disk ${disk} in the host's cache: give that cache="none" or "directsync"`,
    );
  }
  if (method.name !== 'pre-copy' && hasMemoryInFiles) {
    problems.push(
      'its memory is in files, and post-copy would lose it if they are on a disk: have <source type="memfd"/>',
    );
  }
  if (memoryBytes !== undefined && description.memoryBytes !== memoryBytes) {
    problems.push(memoryProblem(description.memoryBytes, memoryBytes));
  }
  return problems;
}

/** What the source's daemon tells. */
async function sourceProblems(domain: Domain): Promise<string[]> {
  const { virsh, id } = domain;
  const answers = await domain.look();
  if (answers === 'absent')
    throw new ActError(
      `${virsh.uri} has no domain ${id}: if it is on another host, "fakedirty place" says so.`,
    );
  if (answers === 'unknown') {
    const { problem } = await virsh.attempt(['domstate', id]);
    throw new ActError(`${virsh.uri} can't be asked: ${problem}.`);
  }
  const problems: string[] = [];
  if (answers.state !== 'running') {
    const how = answers.state === 'shut off' ? 'start' : 'continue';
    problems.push(`its guest is ${answers.state}: ${how} it first, or leave it there (--leave)`);
  }
  if (answers.job === 'outgoing') problems.push('somebody migrates it already');
  if (answers.job === 'other') problems.push('libvirt has another job for it: wait for its end');
  for (const kind of ['snapshot', 'checkpoint']) {
    const names = await virsh.run([`${kind}-list`, id, '--name']);
    if (names.length === 0) continue;
    problems.push(`libvirt moves no domain with ${kind}s: it has ${names.join(', ')}`);
  }
  return problems;
}

/** A processor as libvirt describes that of a host. */
function processorOf(capabilities: string): string {
  const [, cpu = ''] = /<host>[\s\S]*?<cpu>([\s\S]*?)<\/cpu>/.exec(capabilities) ?? [];
  const parts = cpu.match(/<(arch|model|vendor)>[^<]*|<feature name='[^']*'/g) ?? [];
  return parts.sort().join(' ');
}

async function processorProblems({ virsh }: Domain, there: Virsh): Promise<string[]> {
  const both = await Promise.all(
    [virsh, there].map(async (each) => processorOf((await each.run(['capabilities'])).join('\n'))),
  );
  if (both[0] === both[1]) return [];
  return [
    'it has the processor of its host (host-passthrough), and the destination has another one',
  ];
}

/** The user as whom a daemon runs its QEMUs, from its capabilities; undefined where it does not say. */
export function qemuUser(capabilities: string): number | undefined {
  const [, user] =
    /<model>dac<\/model>[\s\S]*?<baselabel type='[^']+'>\+(\d+):/.exec(capabilities) ?? [];
  return user === undefined ? undefined : Number(user);
}

const unprivilegedFile = '/proc/sys/vm/unprivileged_userfaultfd';

/** Post-copy fills in pages as the guest asks for them, which not every user may. Found on this machine's hosts only. */
async function userfaultProblems({ to, method }: Checked, there: Virsh): Promise<string[]> {
  if (method.name === 'pre-copy' || !isHere(to.uri) || !existsSync(unprivilegedFile)) return [];
  if (readFileSync(unprivilegedFile, 'utf8').trim() !== '0') return [];
  const user = qemuUser((await there.run(['capabilities'])).join('\n'));
  if (user === undefined || user === 0) return [];
  return [
    `post-copy needs "sysctl vm.unprivileged_userfaultfd=1" at the destination, whose QEMUs run as user ${user}`,
  ];
}

/** Memory that a host could give to VMs now. */
export function availableBytes(nodeMemory: readonly string[]): number {
  let kibibytes = 0;
  for (const line of nodeMemory) {
    const [, name = '', amount = 0] = /^(\w+)\s*:\s*(\d+) KiB/.exec(line) ?? [];
    if (['free', 'buffers', 'cached'].includes(name)) kibibytes += Number(amount);
  }
  return kibibytes * 1024;
}

/** What the destination's daemon tells. */
async function destinationProblems(
  { name, domain }: Checked,
  { uuid }: { readonly uuid: string },
  description: DomainDescription,
  there: Virsh,
): Promise<string[]> {
  const problems: string[] = [];
  const { type, emulator, machine, memoryBytes, cpuMode } = description;
  const how = ['--virttype', type, '--emulatorbin', emulator, '--machine', machine];
  const capable = await there.attempt(['domcapabilities', ...how], workMs);
  if (!capable.succeeded) problems.push(`${there.uri} can't run it: ${capable.problem}`);
  const available = availableBytes(await there.run(['nodememstats']));
  if (available < memoryBytes) {
    const [has, needs] = [bytesText(available), bytesText(memoryBytes)];
    problems.push(`the destination has ${has} of memory to give, and it needs ${needs}`);
  }
  for (const line of await there.run(['list', '--all', '--uuid', '--name'])) {
    const [otherUuid, otherName] = line.trim().split(/\s+/);
    if (otherName === name && otherUuid !== uuid) {
      problems.push(`the destination has another domain with its name, ${otherUuid}`);
    }
  }
  const running = await there.run(['list', '--uuid']);
  if (running.some((line) => line.trim() === uuid)) {
    problems.push('a domain with its UUID runs at the destination as well');
  }
  if (cpuMode === 'host-passthrough') problems.push(...(await processorProblems(domain, there)));
  return problems;
}

/** All that is in the way of one VM. */
export async function preflightDomain(checked: Checked): Promise<string[]> {
  const { domain, to } = checked;
  const problems = methodProblems(checked.method);
  if ((checked.from.tls === undefined) !== (to.tls === undefined)) {
    problems.push('one of its hosts has certificates (tls) and the other has none: describe both');
  }
  try {
    problems.push(...(await sourceProblems(domain)));
    const description = await describeDomain(domain);
    problems.push(...describedProblems(description, checked));
    const facts = await domain.facts();
    const there = new Virsh(to.uri);
    problems.push(...(await destinationProblems(checked, facts, description, there)));
    problems.push(...(await userfaultProblems(checked, there)));
  } catch (error) {
    if (!(error instanceof ActError)) throw error;
    problems.push(messageOf(error));
  }
  return problems;
}
