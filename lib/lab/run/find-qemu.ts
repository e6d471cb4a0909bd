// The QEMU and the accelerator that an experiment runs with, where nobody has chosen them.
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { FakedirtyError } from '../../errors/error.js';
import { OptionError } from '../../errors/option-error.js';
import { latestBuilt, notBuiltError, programOf } from '../../qemu/compile/built.js';
import type { QemuVersion } from '../../qemu/compile/versions.js';
import type { Accelerator } from '../../qemu/machine/machine.js';
import { choose, probe } from '../../qemu/probe/accelerators.js';
import type { Catalogue } from '../catalogue/catalogue.js';
import type { Experiment } from '../model/experiment.js';

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

/** The accelerator that the experiment names, else the faster one of those that boot a guest with this QEMU. */
export async function findAccelerator({ guest }: Experiment, binary: string): Promise<Accelerator> {
  if (guest.accelerator !== 'auto') return guest.accelerator;
  const findings = [await probe(binary, 'kvm'), await probe(binary, 'tcg')];
  const chosen = choose(findings);
  if (!chosen) {
    const reasons = findings.map(({ accelerator, problem }) => `${accelerator}: ${problem}`);
    throw new NoAcceleratorError(`No accelerator boots a 64-bit guest here. ${reasons.join('; ')}`);
  }
  return chosen.accelerator;
}
