// Which accelerator really runs a guest here: found by running one, for a limited time.

import { accessSync, constants, existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { messageOf } from '../../errors/message-of.js';
import { mebibyte } from '../../format/bytes.js';
import { Workspace } from '../../system/workspace.js';
import { assembleGuest, guestRamBytes, untilReady } from '../machine/guest.js';
import { type Accelerator, Machine } from '../machine/machine.js';

const guest = { pattern: 'rewrite', pages: 16, wordsPerPage: 1024 } as const;
/** A KVM inside another VM may crawl, which shows soon. TCG always gets there: on a busy machine it is given time. */
const bootMs = { kvm: 5_000, tcg: 60_000 } as const;
const measuredMs = 500;

export interface AcceleratorFinding {
  readonly accelerator: Accelerator;
  /** The test guest filled its memory and answered. */
  readonly boots: boolean;
  /** It also entered 64-bit mode. */
  readonly longMode: boolean;
  /** Stores of the guest, while nothing else happens; 0 when it does not boot. */
  readonly storesPerSecond: number;
  /** Why it does not boot. */
  readonly problem?: string;
}

async function pass(machine: Machine, limitMs: number): Promise<number> {
  machine.serial.send('p');
  const line = await machine.serial.line(limitMs);
  return Number.parseInt(line.replace('pass=', ''), 16);
}

async function measure(machine: Machine, limitMs: number): Promise<number> {
  const [before, since] = [await pass(machine, limitMs), performance.now()];
  await pause(measuredMs);
  const [after, until] = [await pass(machine, limitMs), performance.now()];
  return ((after - before) * guest.pages * guest.wordsPerPage * 1000) / (until - since);
}

/** Whether a 64-bit guest gets anywhere: ends the guest. */
function reachesLongMode(machine: Machine, limitMs: number): Promise<boolean> {
  machine.serial.send('l');
  return machine.serial.line(limitMs).then(
    (line) => line === 'long',
    () => false,
  );
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

/** Boots the test guest. */
export async function probe(binary: string, accelerator: Accelerator): Promise<AcceleratorFinding> {
  const nothing = { accelerator, boots: false, longMode: false, storesPerSecond: 0 };
  const reason = reasonWithoutTrying(accelerator);
  if (reason) return { ...nothing, problem: reason };
  const ramBytes = Math.ceil(guestRamBytes(guest) / mebibyte) * mebibyte;
  const workspace = Workspace.create(2 * ramBytes);
  let machine: Machine | undefined;
  try {
    const firmware = await assembleGuest(workspace, guest);
    machine = await Machine.start({
      name: 'probe',
      binary,
      accelerator,
      workspace,
      ramBytes,
      firmware,
    });
    await machine.qmp.execute('cont');
    const limitMs = bootMs[accelerator];
    await untilReady(machine.serial, limitMs);
    const storesPerSecond = Math.round(await measure(machine, limitMs));
    const longMode = await reachesLongMode(machine, limitMs);
    return { accelerator, boots: true, longMode, storesPerSecond };
  } catch (error) {
    return { ...nothing, problem: messageOf(error) };
  } finally {
    await machine?.kill();
    workspace.remove();
  }
}

/** The faster one of those that boot. */
export function choose(findings: readonly AcceleratorFinding[]): AcceleratorFinding | undefined {
  const able = findings.filter(({ boots, longMode }) => boots && longMode);
  return able.sort((a, b) => b.storesPerSecond - a.storesPerSecond)[0];
}
