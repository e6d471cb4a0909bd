// What keeps a VM from being moved by QMP: found out before anything is moved.
import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf } from '../../../errors/message-of.js';
import { isRunning } from '../../../migration/statuses.js';
import type { QmpClient } from '../../../qmp/client.js';
import { processOf } from '../../../qmp/process-usage.js';
import type { MoveMethod } from '../../../site/move.js';
import type { Certificates, QmpHost, Vm } from '../../../site/site.js';
import { memoryProblem } from '../memory-problem.js';
import { qmpOf } from './destination-qemu.js';

/** The kernel takes no longer address of a UNIX socket. */
const maxSocketPath = 107;

/** Options of QEMU that are ours to give at a destination. */
const ours: readonly string[] = ['-incoming', '-S', '-daemonize', '-loadvm', '-preconfig'];

/** QEMU takes two hyphens for one. */
function optionOf(word: string): string {
  return word.startsWith('--') ? word.slice(1) : word;
}

/** What the description alone tells. */
export function describedProblems(host: QmpHost, vm: Vm, folder: string): string[] {
  const problems: string[] = [];
  if (vm.arguments === undefined) {
    problems.push('no arguments say how its QEMU is started elsewhere: arguments: […]');
  }
  for (const word of vm.arguments ?? []) {
    if (!ours.includes(optionOf(word))) continue;
    problems.push(`leave "${word}" out of its arguments: it is added where it is needed`);
  }
  try {
    accessSync(host.qemu, constants.X_OK);
  } catch {
    problems.push(`${host.qemu} is no program that can be run`);
  }
  const { networkNamespace } = host;
  if (networkNamespace !== undefined && !existsSync(`/run/netns/${networkNamespace}`)) {
    problems.push(`there is no network namespace ${networkNamespace}`);
  }
  const length = Buffer.byteLength(qmpOf(folder));
  if (length > maxSocketPath) {
    problems.push(
      `${qmpOf(folder)} has ${length} characters, and a socket's path ${maxSocketPath} at most: take a shorter folder`,
    );
  }
  return problems;
}

/** Only a process that is known is known to have ended, and can be ended once its guest has left. */
export const notFound =
  'its QEMU is not found among the processes of this machine: it runs elsewhere, in a container, or may not be looked at';

/** What its QEMU tells. */
export async function runningProblems(
  qmp: QmpClient,
  vm: Vm,
  { name }: MoveMethod,
  folder: string,
): Promise<string[]> {
  const [status, migration, memory] = await Promise.all([
    qmp.execute('query-status'),
    qmp.execute('query-migrate'),
    qmp.execute('query-memory-size-summary'),
  ]);
  const problems: string[] = [];
  if (!(await processOf(qmp))) problems.push(notFound);
  if (!status.running) {
    problems.push(
      `its guest does not run (${status.status}): continue it first, or leave it there (--leave)`,
    );
  }
  if (isRunning(migration.status ?? 'none')) {
    problems.push('somebody migrates it already');
  }
  for (const reason of migration['blocked-reasons'] ?? []) problems.push(reason);
  const { 'base-memory': base, 'plugged-memory': plugged = 0 } = memory;
  if (base + plugged !== vm.memoryBytes) {
    problems.push(memoryProblem(base + plugged, vm.memoryBytes));
  }
  if (name !== 'pre-copy') problems.push(...postCopyProblems(vm, folder));
  return problems;
}

/** Memory in a file on a disk can't be filled in page by page: the VM would be lost at the switch. */
function postCopyProblems(vm: Vm, folder: string): string[] {
  const paths = (vm.arguments ?? []).flatMap((word) => /mem-path=([^,]+)/.exec(word)?.[1] ?? []);
  return paths
    .map((path) => path.replaceAll('{folder}', folder))
    .filter((path) => !isInMemory(path))
    .map((path) => `its memory would be in ${path}, on a disk: post-copy would lose it there`);
}

/** File systems whose pages userfaultfd can fill in: tmpfs and hugetlbfs. */
const fileSystemsInMemory = [0x01021994, 0x958458f6];

/** Whether a file, which need not be there yet, would be in memory. */
function isInMemory(path: string): boolean {
  let at = path;
  while (!existsSync(at) && at !== dirname(at)) at = dirname(at);
  return fileSystemsInMemory.includes(statfsSync(at).type);
}

/** What QEMU needs on each side. */
const certificates = {
  source: ['ca-cert.pem', 'client-cert.pem', 'client-key.pem'],
  destination: ['ca-cert.pem', 'server-cert.pem', 'server-key.pem'],
} as const;

/** Certificates that are there on one side alone, or not where they should be. */
export function tlsProblems(
  from: string,
  source: Certificates | undefined,
  to: string,
  destination: Certificates | undefined,
): string[] {
  if (!source && !destination) return [];
  if (!source || !destination) {
    const [has, lacks] = source ? [from, to] : [to, from];
    return [`${has} has certificates (tls) and ${lacks} has none`];
  }
  const missing = (folder: string, names: readonly string[]) =>
    names.map((name) => `${folder}/${name}`).filter((path) => !existsSync(path));
  return [
    ...missing(source.folder, certificates.source),
    ...missing(destination.folder, certificates.destination),
  ].map((path) => `there is no ${path}, which TLS needs`);
}

/** Why its QMP can't be asked. */
export function unreachable(address: string, error: unknown): string {
  return `its QMP ${address} can't be asked: ${messageOf(error)}`;
}
