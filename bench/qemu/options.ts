// The options of npm run bench:qemu.
import { OptionError } from '../../lib/index.js';
import { isQemuVersion, type QemuVersion } from '../../lib/qemu/compile/versions.js';
import { parseFlags } from '../command-line.js';
import { type Scenario, scenarios } from './scenarios.js';

export interface Options {
  readonly version: QemuVersion;
  readonly rounds: number;
  readonly scenarios: readonly Scenario[];
  readonly out: string;
  readonly check: boolean;
  /** auto: KVM where it runs guests in ring 3. */
  readonly accelerator: (typeof accelerators)[number];
}

const accelerators = ['auto', 'kvm', 'tcg'] as const;

const names = scenarios.map(({ name }) => name);

export const usage = `usage: npm run bench:qemu [-- options]
  --version V          of QEMU: 7.2 or 8.1; default: 7.2
  --source PATH        of QEMU, a release tarball or tree; default: as "fakedirty qemu build" finds it
  --scenarios A,B      of ${names.join(', ')}; default: all
  --rounds N           each with new QEMUs, in another order; default: 9
  --out DIR            where cost.json is written; default build/bench-qemu
  --accelerator A      auto, kvm or tcg; default: auto, KVM where it runs guests in ring 3
  --check              exit with 3 when a goal is missed
  --help               this text`;

const shape = {
  version: { type: 'string', default: '7.2' },
  /** Used by scripts/bench.ts, which builds both QEMUs first. */
  source: { type: 'string' },
  scenarios: { type: 'string', default: names.join() },
  rounds: { type: 'string', default: '9' },
  out: { type: 'string', default: 'build/bench-qemu' },
  accelerator: { type: 'string', default: 'auto' },
  check: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

function scenarioNamed(name: string): Scenario {
  const scenario = scenarios.find((one) => one.name === name);
  if (!scenario) throw new OptionError('--scenarios', `is '${name}'`, name, names);
  return scenario;
}

/** 'help' when that is all that was asked for. */
export function readOptions(args: readonly string[]): Options | 'help' {
  const flags = parseFlags(args, shape);
  const { version, scenarios: wanted, rounds, out, check, help } = flags;
  if (help) return 'help';
  if (!isQemuVersion(version)) {
    throw new OptionError('--version', `is '${version}'; expected 7.2 or 8.1`);
  }
  if (!/^[1-9]\d?$/.test(rounds)) {
    throw new OptionError('--rounds', `is '${rounds}'; expected a whole number from 1 to 99`);
  }
  const accelerator = accelerators.find((one) => one === flags.accelerator);
  if (!accelerator) {
    const problem = `is '${flags.accelerator}'; expected auto, kvm or tcg`;
    throw new OptionError('--accelerator', problem);
  }
  if (out === '') throw new OptionError('--out', 'is empty; expected a folder');
  const chosen = wanted.split(',').map((name) => scenarioNamed(name.trim()));
  return { version, rounds: Number(rounds), scenarios: chosen, out, check, accelerator };
}
