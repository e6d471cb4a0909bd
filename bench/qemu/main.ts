// npm run bench:qemu: what the filter costs a migration, and what it is worth, beside a QEMU without the series.
import { join } from 'node:path';
import { OptionError } from '../../lib/index.js';
import { type BuiltQemu, latestBuilt, programOf } from '../../lib/qemu/compile/built.js';
import type { QemuVersion } from '../../lib/qemu/compile/versions.js';
import { probeRing3 } from '../../lib/qemu/probe/accelerators.js';
import { ensureWritable, writeAtomically } from '../../lib/system/atomic-write.js';
import { thisMachine } from '../machine.js';
import { Progress } from '../measure/progress.js';
import { type Options, readOptions, usage } from './options.js';
import { reportOf } from './report.js';
import { type Cost, costFile, judge } from './results.js';
import { measure, type Place, pagesFor } from './sample.js';
import type { Contestant, Scenario } from './scenarios.js';

const exitCodes = { failed: 1, usage: 2, goalMissed: 3 };

function builtOf(version: QemuVersion, unpatched: boolean): BuiltQemu {
  const built = latestBuilt(version, unpatched);
  const flag = unpatched ? ' --unpatched' : '';
  if (!built) {
    throw new Error(`there is no QEMU: fakedirty qemu build --version ${version}${flag} builds it`);
  }
  return built;
}

/** Its version and source, without how that was found and checked. */
function described({ fullVersion, source }: BuiltQemu): string {
  return `QEMU ${fullVersion}, ${source.split(', ', 1)[0]}`;
}

/** Where guests write fastest: in ring 3 under KVM, if that works here; then they need no emulator. */
async function placeFor({ accelerator }: Options, binary: string): Promise<Place> {
  if (accelerator === 'tcg') return { accelerator, ring: 0 };
  const { runs, problem } = await probeRing3(binary, 'kvm');
  if (runs) return { accelerator: 'kvm', ring: 3 };
  if (accelerator === 'kvm') throw new Error(`KVM runs no guest in ring 3 here: ${problem}`);
  return { accelerator: 'tcg', ring: 0 };
}

function placeText({ accelerator }: Place): string {
  return accelerator === 'kvm' ? 'KVM, guests in ring 3' : 'TCG';
}

interface Run {
  readonly scenario: Scenario;
  readonly contestant: Contestant;
  readonly round: number;
}

/** Each round has everybody once, beginning with another one. */
function runsOf({ scenarios, rounds }: Options): Run[] {
  return scenarios.flatMap((scenario) =>
    Array.from({ length: rounds }, (_, round) => {
      const { contestants } = scenario;
      const turned = contestants.map(
        (_, at) => contestants[(at + round) % contestants.length] as Contestant,
      );
      return turned.map((contestant) => ({ scenario, contestant, round }));
    }).flat(),
  );
}

async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (options === 'help') {
    console.log(usage);
    return 0;
  }
  ensureWritable(options.out, '--out');
  const qemus = {
    patched: builtOf(options.version, false),
    unpatched: builtOf(options.version, true),
  };
  const { processor, processors } = thisMachine();
  const place = await placeFor(options, programOf(qemus.unpatched));
  const cost: Cost = {
    format: 'fakedirty-qemu-cost-2',
    date: new Date().toISOString().slice(0, 10),
    processor,
    processors,
    patched: described(qemus.patched),
    unpatched: described(qemus.unpatched),
    place: placeText(place),
    rounds: options.rounds,
    samples: [],
  };
  const runs = runsOf(options);
  const progress = new Progress('migrating', process.stderr);
  const pages = new Map<Scenario, number>();
  for (const [index, { scenario, contestant, round }] of runs.entries()) {
    const enough =
      pages.get(scenario) ?? (await pagesFor(scenario, programOf(qemus.unpatched), place));
    pages.set(scenario, enough);
    const binary = programOf(contestant.patched ? qemus.patched : qemus.unpatched);
    const sample = await measure(scenario, contestant, binary, place, enough);
    const entry = { scenario: scenario.name, contestant: contestant.name, round, sample };
    cost.samples.push(entry);
    const what = `${scenario.name}, ${contestant.name}`;
    progress.show({ what, done: index + 1, total: runs.length });
  }
  progress.end();
  const name = 'cost.json';
  writeAtomically(options.out, new Map([[name, costFile(cost)]]));
  console.log(`\n${reportOf(cost)}\n\nwritten: ${join(options.out, name)}`);
  const missed = judge(cost).some(({ reached }) => !reached);
  return options.check && missed ? exitCodes.goalMissed : 0;
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: Error) => {
    const wrongUsage = error instanceof OptionError;
    console.error(
      `bench:qemu: ${error.message}${wrongUsage ? '\n(--help lists the options)' : ''}`,
    );
    process.exitCode = wrongUsage ? exitCodes.usage : exitCodes.failed;
  },
);
