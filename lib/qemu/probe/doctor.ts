// `fakedirty qemu doctor`: what this machine has.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { cpus, freemem, totalmem } from 'node:os';
import { mebibyte } from '../../format/bytes.js';
import { threeDigits } from '../../format/columns.js';
import { outputOf } from '../../system/processes.js';
import { allBuilt, type BuiltQemu, programOf } from '../compile/built.js';
import { compilerVersion, type Requirement, requirements } from '../compile/requirements.js';
import {
  type AcceleratorFinding,
  bootsLinux,
  choose,
  type GuestKind,
  probe,
  type RingFinding,
} from './accelerators.js';

const hugePages = '/sys/kernel/mm/hugepages';

export interface Findings {
  readonly machine: { cpus: number; model: string; memoryMiB: number; freeMiB: number };
  readonly compiler: string;
  readonly requirements: readonly Requirement[];
  /** Which QEMU the accelerators were tried with; null: there is none, so none was tried. */
  readonly triedWith: string | null;
  readonly accelerators: readonly AcceleratorFinding[];
  /** The fastest that runs such a guest; null: none does. */
  readonly chosen: Readonly<Record<GuestKind, string | null>>;
  /** Post-copy needs it. */
  readonly userfaultfd: { usable: boolean; reason: string };
  readonly hugePages: readonly { sizeKiB: number; total: number; free: number }[];
  readonly built: readonly (BuiltQemu & { program: string })[];
}

function readNumber(file: string): number | undefined {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

function userfaultfd(): Findings['userfaultfd'] {
  const allowed = readNumber('/proc/sys/vm/unprivileged_userfaultfd');
  if (process.getuid?.() === 0) return { usable: true, reason: 'this is root' };
  if (existsSync('/dev/userfaultfd')) {
    return { usable: true, reason: '/dev/userfaultfd is there; QEMU before 8.1 does not use it' };
  }
  if (allowed === 1) return { usable: true, reason: 'vm.unprivileged_userfaultfd is 1' };
  return {
    usable: false,
    reason: 'run as root, or set vm.unprivileged_userfaultfd=1; only post-copy needs it',
  };
}

function findHugePages(): Findings['hugePages'] {
  if (!existsSync(hugePages)) return [];
  return readdirSync(hugePages).map((name) => ({
    sizeKiB: Number(/\d+/.exec(name)?.[0]),
    total: readNumber(`${hugePages}/${name}/nr_hugepages`) ?? 0,
    free: readNumber(`${hugePages}/${name}/free_hugepages`) ?? 0,
  }));
}

/** A QEMU to try the accelerators with: one of ours, else the system's. Sanitizers slow one down, or end it. */
function someQemu(built: readonly BuiltQemu[]): string | null {
  const [newest] = [...built]
    .filter(({ programs, sanitized }) => programs['x86_64-softmmu'] && !sanitized)
    .sort((a, b) => b.builtAt.localeCompare(a.builtAt));
  if (newest) return programOf(newest);
  const system = 'qemu-system-x86_64';
  return outputOf(system, '--version') === undefined ? null : system;
}

export async function doctor(): Promise<Findings> {
  const built = allBuilt();
  const triedWith = someQemu(built);
  const accelerators: AcceleratorFinding[] = [];
  for (const accelerator of triedWith ? (['kvm', 'tcg'] as const) : []) {
    accelerators.push(await probe(triedWith ?? '', accelerator));
  }
  const [first] = cpus();
  return {
    machine: {
      cpus: cpus().length,
      model: first?.model ?? 'unknown',
      memoryMiB: Math.round(totalmem() / mebibyte),
      freeMiB: Math.round(freemem() / mebibyte),
    },
    compiler: compilerVersion(),
    requirements: requirements(),
    triedWith,
    accelerators,
    chosen: {
      linux: choose(accelerators, 'linux') ?? null,
      bare: choose(accelerators, 'bare') ?? null,
    },
    userfaultfd: userfaultfd(),
    hugePages: findHugePages(),
    built: built.map((one) => ({ ...one, program: programOf(one, Object.keys(one.programs)[0]) })),
  };
}

function speedOf({ storesPerSecond }: RingFinding): string {
  return `${threeDigits(storesPerSecond / 1e6)} million stores/s`;
}

function firstLineOf(text = ''): string {
  return text.split('\n', 1)[0] ?? '';
}

/** What an accelerator is good for. */
function accelerationLine(finding: AcceleratorFinding): string {
  const { accelerator, ring0, ring3 } = finding;
  const linux = bootsLinux(finding)
    ? `boots Linux (ring 0: ${speedOf(ring0)})`
    : `boots no Linux here (${ring0.runs ? `ring 0: ${speedOf(ring0)}; ` : ''}${firstLineOf(ring0.problem)})`;
  const programs = ring3.runs
    ? `runs programs in ring 3 (${speedOf(ring3)})`
    : `runs no programs in ring 3 (${firstLineOf(ring3.problem)})`;
  return `${accelerator}: ${linux}; ${programs}`;
}

function choiceLine({ chosen, triedWith }: Findings): string {
  if (triedWith === null)
    return 'accelerators: not tried, for want of a QEMU: "fakedirty qemu build" makes one';
  const { linux, bare } = chosen;
  const none = 'none works';
  return `accelerator: ${linux ?? none} for Linux guests, ${bare ?? none} for bare guests (tried with ${triedWith})`;
}

export function doctorText(findings: Findings): string {
  const { machine } = findings;
  const missing = findings.requirements.filter(({ present }) => !present);
  const lines = [
    `machine: ${machine.cpus} × ${machine.model}, ${machine.freeMiB} of ${machine.memoryMiB} MiB free`,
    `compiler: ${findings.compiler}`,
    missing.length === 0
      ? 'to build: all tools and libraries are here'
      : `to build: missing ${missing.map(({ name }) => name).join(', ')}; "fakedirty qemu build" installs them`,
    ...findings.accelerators.map(accelerationLine),
    choiceLine(findings),
    `userfaultfd: ${findings.userfaultfd.usable ? 'usable' : 'not usable'}: ${findings.userfaultfd.reason}`,
    ...findings.hugePages.map(
      ({ sizeKiB, total, free }) => `huge pages of ${sizeKiB} KiB: ${free} of ${total} free`,
    ),
    ...findings.built.map(
      ({ fullVersion, series, program }) =>
        `built: QEMU ${fullVersion}, ${series ? `series ${series}` : 'without the series'}: ${program}`,
    ),
    ...(findings.built.length === 0 ? ['built: no QEMU yet'] : []),
  ];
  return lines.join('\n');
}
