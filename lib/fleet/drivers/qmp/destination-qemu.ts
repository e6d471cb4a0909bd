// The QEMU that waits for a guest at its destination. It outlives whoever started it, listens nowhere until it is told
// to, and runs no guest by itself. Everything of it is in a folder of its own, by whose name it is found again.
import { lstatSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { QmpClient } from '../../../qmp/client.js';
import { QmpError } from '../../../qmp/errors.js';
import type { QmpHost, Vm } from '../../../site/site.js';
import { endNow, findProcess, startDetached, untilEnded } from '../../../system/detached.js';
import { makeDirectory } from '../../../system/make-directory.js';
import { isAlive, type ProcessIdentity } from '../../../system/owner.js';
import { ActError } from '../../errors.js';
import { certificateWords } from './certificates.js';

/** One that fails says so at once: this is for a machine that is busy. */
const startMs = 60_000;
const pollMs = 20;
const connectMs = 10_000;
const endMs = 10_000;
const keptLogCharacters = 2000;

/** Where everything of an attempt's destination is. */
export function attemptFolder(host: QmpHost, attempt: string): string {
  return join(host.folder, attempt);
}

/** Its QMP. */
export function qmpOf(folder: string): string {
  return join(folder, 'qmp.sock');
}

const logName = 'qemu.log';

/** The arguments by which it is found: nobody else has all of them, not even who looks for one in a list of processes. */
function marksOf(folder: string): string[] {
  return [
    ...['-chardev', `socket,id=fakedirty-qmp,path=${qmpOf(folder)},server=on,wait=off`],
    ...['-mon', 'chardev=fakedirty-qmp,mode=control'],
  ];
}

/** What is written for a host or VM may name the folder of the attempt. */
function filledIn(text: string, folder: string): string {
  return text.replaceAll('{folder}', folder);
}

/** The command line of a VM's QEMU at its destination. */
export function destinationWords(host: QmpHost, vm: Vm, folder: string): string[] {
  const { networkNamespace } = host;
  return [
    ...(networkNamespace === undefined
      ? []
      : ['nsenter', `--net=/run/netns/${networkNamespace}`, '--']),
    host.qemu,
    ...(vm.arguments ?? []).map((word) => filledIn(word, folder)),
    ...marksOf(folder),
    ...certificateWords(host),
    ...['-incoming', 'defer', '-S'],
  ];
}

/** The process of that folder's QEMU, if it runs. */
export function findQemu(folder: string): ProcessIdentity | undefined {
  const marks = marksOf(folder);
  return findProcess((words) =>
    words.some((_, at) => marks.every((mark, offset) => words[at + offset] === mark)),
  );
}

/** The end of what it wrote. */
export function logOf(folder: string): string {
  try {
    const text = readFileSync(join(folder, logName), 'utf8').trim();
    return text.slice(-keptLogCharacters).replaceAll('\n', '; ');
  } catch {
    return '';
  }
}

async function untilReady(folder: string, qemu: ProcessIdentity): Promise<void> {
  const giveUpAt = performance.now() + startMs;
  for (;;) {
    try {
      const qmp = await QmpClient.connect(qmpOf(folder), { timeoutMs: connectMs });
      await qmp.close();
      return;
    } catch (error) {
      if (!(error instanceof QmpError)) throw error;
      if (!isAlive(qemu)) {
        throw new ActError(`QEMU ended while it started: ${logOf(folder) || 'it said nothing'}`);
      }
      if (performance.now() > giveUpAt) {
        throw new ActError(`QEMU did not open ${qmpOf(folder)} within ${startMs} ms.`);
      }
    }
    await pause(pollMs);
  }
}

/** Starts it, and resolves when it can be told where to listen. */
export async function startQemu(host: QmpHost, vm: Vm, folder: string): Promise<void> {
  makeDirectory(dirname(folder), 0o700);
  makeDirectory(folder, 0o700);
  // Where anybody can make folders, as in /tmp, somebody may have been faster.
  const { uid, mode } = lstatSync(folder);
  if (uid !== process.geteuid?.() || (mode & 0o077) !== 0) {
    throw new ActError(`${folder} is there already, and others have access to it.`);
  }
  const qemu = await startDetached(destinationWords(host, vm, folder), join(folder, logName));
  await untilReady(folder, qemu);
}

/** Asks a QEMU to end, and ends it if it does not. */
export async function endQemu(qmp: QmpClient | undefined, qemu: ProcessIdentity): Promise<void> {
  try {
    await qmp?.execute('quit', undefined, { timeoutMs: endMs });
    if (await untilEnded(qemu, endMs)) return;
  } catch (error) {
    // It may have ended before it answered.
    if (!(error instanceof QmpError)) throw error;
    if (await untilEnded(qemu, pollMs)) return;
  }
  if (!(await endNow(qemu, endMs))) throw new ActError(`QEMU, process ${qemu.pid}, does not end.`);
}

/** Removes what is left of a QEMU that has ended. */
export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}
