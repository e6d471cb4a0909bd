// What tests need of this machine: QEMUs, accelerators, rights. A test is skipped where that is missing, with a
// sentence that says what it needs.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import { messageOf } from '../../lib/errors/message-of.js';
import { mebibyte } from '../../lib/format/bytes.js';
import { type BuiltQemu, latestBuilt, programOf } from '../../lib/qemu/compile/built.js';
import { brokenUnitTest } from '../../lib/qemu/compile/test-programs.js';
import {
  isQemuVersion,
  type QemuVersion,
  qemuVersions,
  seriesOf,
} from '../../lib/qemu/compile/versions.js';
import { Machine } from '../../lib/qemu/machine/machine.js';
import { probeRing0, probeRing3, type RingFinding } from '../../lib/qemu/probe/accelerators.js';
import { Workspace } from '../../lib/system/workspace.js';

// FAKEDIRTY_QEMU: a program to test instead of what was built.
// FAKEDIRTY_SANITIZED=1: the build with sanitizers.
const { FAKEDIRTY_QEMU_VERSION = '7.2', FAKEDIRTY_QEMU, FAKEDIRTY_SANITIZED } = process.env;

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
  const built = latestBuilt(version, unpatched, !unpatched && FAKEDIRTY_SANITIZED === '1');
  return built && qemuOf(built);
}

/** The distribution's own, which has no series, if it is that version. */
function distributionQemu(version: QemuVersion): Qemu | undefined {
  const binary = '/usr/bin/qemu-system-x86_64';
  const { stdout } = spawnSync(binary, ['--version'], { encoding: 'utf8' });
  const [, found = ''] = /^QEMU emulator version (\S+)/.exec(stdout ?? '') ?? [];
  if (seriesOf(found) !== version) return undefined;
  return { name: `the distribution's QEMU ${found}`, binary, version, patched: false };
}

/** The QEMU under test, or the test is skipped. */
export function needQemu(context: TestContext, { unpatched = false } = {}): Qemu {
  if (FAKEDIRTY_QEMU && !unpatched) {
    const named = { name: FAKEDIRTY_QEMU, binary: FAKEDIRTY_QEMU };
    return { ...named, version: testedVersion, patched: true };
  }
  const qemu =
    (unpatched ? distributionQemu(testedVersion) : undefined) ?? findQemu(testedVersion, unpatched);
  const flag = unpatched ? ' --unpatched' : '';
  if (!qemu) {
    const instead = unpatched
      ? ", or the distribution's package qemu-system-x86 of that version"
      : '';
    context.skip(
      `needs what "fakedirty qemu build --version ${testedVersion}${flag}" builds${instead}`,
    );
  }
  return qemu as Qemu;
}

/** One of QEMU's own tests, which the patched build keeps. */
export function needOwnTest(context: TestContext, name: string): string {
  const built = latestBuilt(testedVersion, false);
  const program = built?.tests[name];
  if (!built || !program) {
    context.skip(`needs what "fakedirty qemu build --version ${testedVersion} --tests" builds`);
  }
  return join(built?.directory ?? '', program ?? '');
}

/** A unit test of the series, with a switch that breaks a rule. */
export function needBrokenUnitTest(context: TestContext, test: string, broken: string): string {
  const directory = latestBuilt(testedVersion, false)?.directory ?? '';
  const program = join(directory, 'tests', brokenUnitTest(test, broken));
  if (!existsSync(program)) context.skip(howToBreak(broken));
  return program;
}

function howToBreak(broken: string): string {
  return `needs what "fakedirty qemu build --version ${testedVersion} --broken ${broken}" builds`;
}

/** The same, with a switch that breaks a rule. */
export function needBrokenQemu(context: TestContext, broken: string): Qemu {
  const built = latestBuilt(testedVersion, false);
  const program = built?.broken[broken];
  if (!built || !program) {
    context.skip(howToBreak(broken));
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

/** Skips the test where KVM does not run a guest in ring 0; returns how many stores a second it makes. */
export async function needKvm(context: TestContext, { binary }: Qemu): Promise<number> {
  const { runs, problem, storesPerSecond } = await probeRing0(binary, 'kvm');
  if (!runs) context.skip(`needs KVM: ${problem?.split('\n', 1)[0]}`);
  return storesPerSecond;
}

const ringProbeBytes = mebibyte;
const ring3 = new Map<string, Promise<RingFinding>>();

/** Skips the test where KVM does not run a guest in ring 3, which it may do at full speed although ring 0 crawls. */
export async function needKvmInRing3(context: TestContext, { binary }: Qemu): Promise<void> {
  const found = ring3.get(binary) ?? probeRing3(binary, 'kvm');
  ring3.set(binary, found);
  const { runs, problem } = await found;
  if (!runs) context.skip(`needs a KVM that runs ring 3: ${problem?.split('\n', 1)[0]}`);
}

/** Skips the test where the kernel has no dirty ring for this QEMU: after needKvmInRing3(). */
export async function needDirtyRing(
  context: TestContext,
  { binary }: Qemu,
  acceleratorOptions: string,
): Promise<void> {
  const workspace = Workspace.create(ringProbeBytes);
  const how = { binary, accelerator: 'kvm', acceleratorOptions, workspace } as const;
  try {
    const machine = await Machine.start({ ...how, name: 'ring-probe', ramBytes: ringProbeBytes });
    await machine.kill();
  } catch (error) {
    context.skip(`needs a KVM with a dirty ring: ${messageOf(error).split('\n', 1)[0]}`);
  } finally {
    workspace.remove();
  }
}

export function needRoot(context: TestContext, what: string): void {
  if (process.getuid?.() !== 0) context.skip(`needs root ${what}`);
}

/** Skips the test where libvirt's daemons or its client are missing. */
export function needLibvirt(context: TestContext): void {
  const programs = ['/usr/sbin/libvirtd', '/usr/sbin/virtlogd', '/usr/bin/virsh'];
  const missing = programs.filter((program) => !existsSync(program));
  if (missing.length === 0) return;
  context.skip(`needs packages libvirt-daemon-driver-qemu and libvirt-clients (no ${missing[0]})`);
}

const hugePages = '/sys/kernel/mm/hugepages/hugepages-2048kB';

/** Sees to it that so much memory is there in pages of 2 MiB, or skips the test. */
export function needHugePages(context: TestContext, bytes: number): void {
  const needed = Math.ceil(bytes / (2 << 20)) + 2;
  const free = () => Number(readFileSync(`${hugePages}/free_hugepages`, 'utf8'));
  try {
    if (free() >= needed) return;
    const total = Number(readFileSync(`${hugePages}/nr_hugepages`, 'utf8'));
    const reserve = (count: number) => writeFileSync(`${hugePages}/nr_hugepages`, String(count));
    reserve(total + needed - free());
    context.onTestFinished(() => reserve(total));
    if (free() >= needed) return;
  } catch {
    // There are none, or it is not for us to have more.
  }
  context.skip(`needs ${needed} huge pages of 2 MiB, or root to reserve them`);
}
