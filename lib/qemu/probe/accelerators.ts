// What each accelerator is good for here: found by running guests in ring 0 and in ring 3, for a limited time.

import { accessSync, constants, existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { messageOf } from '../../errors/message-of.js';
import { mebibyte } from '../../format/bytes.js';
import { Workspace } from '../../system/workspace.js';
import { assembleGuest, type GuestOptions, guestRamBytes, untilReady } from '../machine/guest.js';
import { type Accelerator, Machine } from '../machine/machine.js';

/** Where ring 0 is interpreted, the guest fills no more in a second. */
const smallGuest = { pattern: 'rewrite', pages: 16, wordsPerPage: 1024, ring: 0 } as const;
/** Large enough that asking for commands between two passes does not count. */
const largeGuest = { pattern: 'rewrite', pages: 256, wordsPerPage: 1024, ring: 3 } as const;
/** A KVM inside another VM may crawl, which shows soon. TCG always gets there: on a busy machine it is given time. */
const bootMs = { kvm: 5_000, tcg: 60_000 } as const;
const measuredMs = 500;

/** What came of the test guest in one ring. */
export interface RingFinding {
  /** The test guest filled its memory and answered. */
  readonly runs: boolean;
  /** Stores of the guest, while nothing else happens; 0 when it does not run. */
  readonly storesPerSecond: number;
  /** What does not work, and why. */
  readonly problem?: string;
}

/** The ring of operating systems. */
export interface KernelRingFinding extends RingFinding {
  /** It also entered 64-bit mode. */
  readonly longMode: boolean;
  /** There, system calls of ring 3 reached it. */
  readonly systemCalls: boolean;
}

export interface AcceleratorFinding {
  readonly accelerator: Accelerator;
  readonly ring0: KernelRingFinding;
  readonly ring3: RingFinding;
}

/** Linux needs all of ring 0; the bare guest can do its work in ring 3. */
export type GuestKind = 'linux' | 'bare';

async function pass(machine: Machine, limitMs: number): Promise<number> {
  machine.serial.send('p');
  const line = await machine.serial.line(limitMs);
  return Number.parseInt(line.replace('pass=', ''), 16);
}

async function measure(
  machine: Machine,
  { pages, wordsPerPage }: typeof smallGuest | typeof largeGuest,
  limitMs: number,
): Promise<number> {
  const [before, since] = [await pass(machine, limitMs), performance.now()];
  await pause(measuredMs);
  const [after, until] = [await pass(machine, limitMs), performance.now()];
  return Math.round(((after - before) * pages * wordsPerPage * 1000) / (until - since));
}

/** Whether a 64-bit operating system gets anywhere: ends the guest. */
async function probeKernel({ serial }: Machine, limitMs: number) {
  // An accelerator that does something wrong may as well end, or reset the guest, which then begins anew.
  const says = (word: string) =>
    serial.line(limitMs).then(
      (line) => line === word,
      () => false,
    );
  serial.send('l');
  const longMode = await says('long');
  const systemCalls = longMode && (await says('kernel'));
  const problem = longMode
    ? 'a system call does not get from ring 3 to ring 0'
    : 'it does not enter 64-bit mode';
  return { longMode, systemCalls, ...(systemCalls ? {} : { problem }) };
}

/** Boots a guest, and tries something with it. */
async function withGuest<T>(
  binary: string,
  accelerator: Accelerator,
  guest: GuestOptions,
  attempt: (machine: Machine) => Promise<T>,
): Promise<T> {
  const ramBytes = Math.ceil(guestRamBytes(guest) / mebibyte) * mebibyte;
  const workspace = Workspace.create(2 * ramBytes);
  let machine: Machine | undefined;
  try {
    const firmware = await assembleGuest(workspace, guest);
    const how = { name: 'probe', binary, accelerator, workspace, ramBytes, firmware };
    machine = await Machine.start(how);
    await machine.qmp.execute('cont');
    await untilReady(machine.serial, bootMs[accelerator]);
    return await attempt(machine);
  } finally {
    await machine?.kill();
    workspace.remove();
  }
}

function reasonWithoutTrying(accelerator: Accelerator): string | undefined {
  if (accelerator === 'tcg') return undefined;
  if (!existsSync('/dev/kvm')) return 'there is no /dev/kvm';
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK);
    return undefined;
  } catch {
    return 'this user may not open /dev/kvm; the group kvm may';
  }
}

const nothing: RingFinding = { runs: false, storesPerSecond: 0 };

/** Tries a ring; what fails is why it does not run. */
function findOut<T extends RingFinding>(
  accelerator: Accelerator,
  without: T,
  attempt: () => Promise<T>,
): Promise<T> {
  const problem = reasonWithoutTrying(accelerator);
  if (problem) return Promise.resolve({ ...without, problem });
  return attempt().catch((error: unknown) => ({ ...without, problem: messageOf(error) }));
}

/** Boots the test guest in 32-bit mode, and has it enter what a 64-bit operating system needs. */
export function probeRing0(binary: string, accelerator: Accelerator): Promise<KernelRingFinding> {
  const limitMs = bootMs[accelerator];
  const without: KernelRingFinding = { ...nothing, longMode: false, systemCalls: false };
  return findOut(accelerator, without, () =>
    withGuest(binary, accelerator, smallGuest, async (machine) => {
      const storesPerSecond = await measure(machine, smallGuest, limitMs);
      return { runs: true, storesPerSecond, ...(await probeKernel(machine, limitMs)) };
    }),
  );
}

/** Boots the test guest that works in ring 3 of 64-bit mode. */
export function probeRing3(binary: string, accelerator: Accelerator): Promise<RingFinding> {
  return findOut<RingFinding>(accelerator, nothing, () =>
    withGuest(binary, accelerator, largeGuest, async (machine) => {
      const storesPerSecond = await measure(machine, largeGuest, bootMs[accelerator]);
      return { runs: true, storesPerSecond };
    }),
  );
}

/** Boots the test guest in both rings. */
export async function probe(binary: string, accelerator: Accelerator): Promise<AcceleratorFinding> {
  const ring0 = await probeRing0(binary, accelerator);
  return { accelerator, ring0, ring3: await probeRing3(binary, accelerator) };
}

export function bootsLinux({ ring0 }: AcceleratorFinding): boolean {
  return ring0.runs && ring0.longMode && ring0.systemCalls;
}

/** The faster one of those that run such a guest. */
export function choose(
  findings: readonly AcceleratorFinding[],
  kind: GuestKind,
): Accelerator | undefined {
  const able = findings.filter((one) => (kind === 'linux' ? bootsLinux(one) : one.ring3.runs));
  const speed = ({ ring0, ring3 }: AcceleratorFinding) =>
    (kind === 'linux' ? ring0 : ring3).storesPerSecond;
  return able.sort((a, b) => speed(b) - speed(a))[0]?.accelerator;
}
