// Which QEMUs and accelerators the tests can use. Whoever needs one that is not here is skipped, and
// says what it needs.
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import { type BuiltQemu, latestBuilt, programOf } from '../../../lib/qemu/build/built.js';
import { isQemuVersion, type QemuVersion, qemuVersions } from '../../../lib/qemu/build/versions.js';
import { probe } from '../../../lib/qemu/probe/accelerators.js';

// FAKEDIRTY_QEMU: a program to test instead of what was built.
const { FAKEDIRTY_QEMU_VERSION = '7.2', FAKEDIRTY_QEMU } = process.env;

/** The version whose series is tested. */
export const testedVersion: QemuVersion = isQemuVersion(FAKEDIRTY_QEMU_VERSION)
  ? FAKEDIRTY_QEMU_VERSION
  : '7.2';

export interface Qemu {
  readonly name: string;
  readonly binary: string;
  readonly version: QemuVersion;
  readonly patched: boolean;
}

function qemuOf(built: BuiltQemu): Qemu {
  const patched = built.series !== null;
  const name = `QEMU ${built.fullVersion}${patched ? '' : ' without the series'}`;
  return { name, binary: programOf(built), version: built.version, patched };
}

export function findQemu(version: QemuVersion, unpatched = false): Qemu | undefined {
  const built = latestBuilt(version, unpatched);
  return built && qemuOf(built);
}

/** The QEMU under test, or the test is skipped. */
export function needQemu(context: TestContext, { unpatched = false } = {}): Qemu {
  if (FAKEDIRTY_QEMU && !unpatched) {
    const named = { name: FAKEDIRTY_QEMU, binary: FAKEDIRTY_QEMU };
    return { ...named, version: testedVersion, patched: true };
  }
  const qemu = findQemu(testedVersion, unpatched);
  const flag = unpatched ? ' --unpatched' : '';
  if (!qemu)
    context.skip(`needs what "fakedirty qemu build --version ${testedVersion}${flag}" builds`);
  return qemu as Qemu;
}

/** The same, with a switch that breaks a rule. */
export function needBrokenQemu(context: TestContext, broken: string): Qemu {
  const built = latestBuilt(testedVersion, false);
  const program = built?.broken[broken];
  if (!built || !program) {
    context.skip(
      `needs what "fakedirty qemu build --version ${testedVersion} --broken ${broken}" builds`,
    );
  }
  const { directory } = built as BuiltQemu;
  const name = `QEMU ${testedVersion} that breaks ${broken}`;
  return { name, binary: join(directory, program ?? ''), version: testedVersion, patched: true };
}

/** Any that has been built, the patched ones first: for what has nothing to do with the series. */
export function needAnyQemu(context: TestContext): Qemu {
  const all = [false, true].flatMap((unpatched) =>
    qemuVersions.flatMap((version) => findQemu(version, unpatched) ?? []),
  );
  const [first] = all;
  if (!first) context.skip('needs a QEMU that "fakedirty qemu build" has built');
  return first as Qemu;
}

/** Skips the test where KVM does not run a guest; answers how many stores a second it makes. */
export async function needKvm(context: TestContext, { binary }: Qemu): Promise<number> {
  const { boots, problem, storesPerSecond } = await probe(binary, 'kvm');
  if (!boots) context.skip(`needs KVM: ${problem?.split('\n', 1)[0]}`);
  return storesPerSecond;
}

export function needRoot(context: TestContext, what: string): void {
  if (process.getuid?.() !== 0) context.skip(`needs root ${what}`);
}
