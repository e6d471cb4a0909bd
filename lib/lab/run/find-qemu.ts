// The QEMU and the accelerator that an experiment runs with, where nobody has chosen them.
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { FakedirtyError } from '../../errors/error.js';
import { OptionError } from '../../errors/option-error.js';
import { latestBuilt, notBuiltError, programOf } from '../../qemu/compile/built.js';
import type { QemuVersion } from '../../qemu/compile/versions.js';
import type { Accelerator } from '../../qemu/machine/machine.js';
import {
  type AcceleratorFinding,
  choose,
  type GuestKind,
  probe,
} from '../../qemu/probe/accelerators.js';
import type { Catalogue } from '../catalogue/catalogue.js';
import type { Experiment } from '../model/experiment.js';
import type { PlannedRun } from '../model/run.js';

const systemQemu = 'qemu-system-x86_64';

/** No accelerator boots a 64-bit guest on this machine. */
export class NoAcceleratorError extends FakedirtyError {
  override readonly name = 'NoAcceleratorError';
  override readonly code = 'ERR_NO_ACCELERATOR';
}

/** The QEMU of that version that has been built here, else the system's if no method needs more. */
export function findQemu(
  experiment: Experiment,
  catalogue: Catalogue,
  version: QemuVersion,
): string {
  const built = latestBuilt(version, false);
  if (built) return programOf(built);
  const needsSeries = experiment.methods.find((name) => catalogue.method(name).needsFilter);
  if (needsSeries === undefined) return systemQemu;
  throw notBuiltError(version, false, `The method ${needsSeries}`);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Throws if there is no such program, by its path or in the folders of PATH. */
export function checkProgram(qemu: string): void {
  const { PATH = '' } = process.env;
  const folders = qemu.includes('/') ? [''] : PATH.split(delimiter);
  if (folders.some((folder) => isProgram(join(folder, qemu)))) return;
  throw new OptionError(
    'qemu',
    `there is no program ${qemu}; name one, such as qemu-system-x86_64`,
  );
}

/** The accelerator for each kind of guest that there is. */
export interface Accelerators {
  /** For guests with Linux. */
  readonly linux?: Accelerator;
  /** For guests without an operating system. */
  readonly bare?: Accelerator;
}

/** The kind of guest that a run boots. */
export function guestKindOf({ cell }: PlannedRun, catalogue: Catalogue): GuestKind {
  return catalogue.workload(cell.workload.name).bareGuest ? 'bare' : 'linux';
}

/** One of those that were found for the kinds of guests that there are. */
export function acceleratorOf(accelerators: Accelerators, kind: GuestKind): Accelerator {
  const accelerator = accelerators[kind];
  if (!accelerator)
    throw new RangeError(`Nobody has looked for an accelerator for ${kind} guests.`);
  return accelerator;
}

function problemOf({ ring0, ring3 }: AcceleratorFinding, kind: GuestKind): string {
  return (kind === 'linux' ? ring0 : ring3).problem ?? 'it works';
}

/** The accelerator that the experiment names, else the fastest with this QEMU for each of these kinds of guests. */
export async function findAccelerators(
  { guest }: Experiment,
  binary: string,
  kinds: ReadonlySet<GuestKind>,
): Promise<Accelerators> {
  const named = guest.accelerator;
  if (named !== 'auto') return Object.fromEntries([...kinds].map((kind) => [kind, named]));
  if (kinds.size === 0) return {};
  const findings = [await probe(binary, 'kvm'), await probe(binary, 'tcg')];
  const chosen = [...kinds].map((kind) => {
    const accelerator = choose(findings, kind);
    if (accelerator) return [kind, accelerator] as const;
    const reasons = findings.map((one) => `${one.accelerator}: ${problemOf(one, kind)}`);
    throw new NoAcceleratorError(`No accelerator boots a 64-bit guest here. ${reasons.join('; ')}`);
  });
  return Object.fromEntries(chosen);
}
