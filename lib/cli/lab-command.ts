// `fakedirty lab`: experiments with real VMs, and their reports.
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { withAdditions } from '../lab/catalogue/additions.js';
import { builtIn, type Catalogue } from '../lab/catalogue/catalogue.js';
import { type Experiment, parseExperiment } from '../lab/model/experiment.js';
import { plannedRuns } from '../lab/plan/planned-runs.js';
import { comparisonText } from '../lab/report/comparison-text.js';
import { comparables, summarise } from '../lab/report/summary.js';
import type { WrittenReport } from '../lab/report/write-report.js';
import { measureWith } from '../lab/run/measure-run.js';
import { InterruptedError, openRuns, runExperiment } from '../lab/run/measure-runs.js';
import { checkNeeds } from '../lab/run/needs.js';
import { keptRuns, othersText } from '../lab/store/kept-runs.js';
import { ResultStore, writeResults } from '../lab/store/result-store.js';
import { latestBuilt, programOf } from '../qemu/compile/built.js';
import { QemuBuildError } from '../qemu/compile/errors.js';
import { type QemuVersion, qemuVersions } from '../qemu/compile/versions.js';
import type { Accelerator } from '../qemu/machine/machine.js';
import { choose, probe } from '../qemu/probe/accelerators.js';
import { exitCodes } from './exit-codes.js';
import { LabDisplay } from './lab-display.js';
import { each } from './option-values.js';
import { interruptible } from './session.js';

/** Beside the results: what they are results of. */
const copyName = 'experiment.yaml';
const systemQemu = 'qemu-system-x86_64';

interface WithOptions {
  with: string[];
}

interface RunOptions extends WithOptions {
  out?: string;
  qemu?: string;
  version: QemuVersion;
  passes: boolean;
  sink: boolean;
}

function readExperiment(file: string, catalogue: Catalogue): Experiment {
  return parseExperiment(readFileSync(file, 'utf8'), file, catalogue);
}

/** The experiment's text, with what an option has changed. */
function asRun(text: string, { sink }: Experiment): string {
  if (!sink || /^sink: *true\b/m.test(text)) return text;
  return `${text.replace(/^sink:.*\n?/m, '').trimEnd()}\nsink: true\n`;
}

/** What is named, else what has been built, else the system's, where no method needs more. */
function qemuFor(
  experiment: Experiment,
  catalogue: Catalogue,
  { qemu, version }: RunOptions,
): string {
  if (qemu !== undefined) return qemu;
  const built = latestBuilt(version, false);
  if (built) return programOf(built);
  const needy = experiment.methods.find((name) => catalogue.method(name).needsFilter);
  if (needy === undefined) return systemQemu;
  throw new QemuBuildError(
    'not-built',
    `The method ${needy} needs a QEMU with the series: "fakedirty qemu build --version ${version}", ` +
      'or name one with --qemu.',
  );
}

async function acceleratorFor({ guest }: Experiment, binary: string): Promise<Accelerator> {
  if (guest.accelerator !== 'auto') return guest.accelerator;
  const findings = [await probe(binary, 'kvm'), await probe(binary, 'tcg')];
  const chosen = choose(findings);
  if (!chosen) {
    const reasons = findings.map(({ accelerator, problem }) => `${accelerator}: ${problem}`);
    throw new Error(`No accelerator boots a 64-bit guest here. ${reasons.join('; ')}`);
  }
  return chosen.accelerator;
}

async function writeReportOf(directory: string, catalogue: Catalogue): Promise<WrittenReport> {
  // It brings charts with it, which take their time to load.
  const { writeReport } = await import('../lab/report/write-report.js');
  const copy = join(directory, copyName);
  const store = new ResultStore(directory);
  const { figures } = catalogue;
  if (!existsSync(copy)) return writeReport({ store, title: 'Results of an experiment', figures });
  const experiment = readExperiment(copy, catalogue);
  const { name, description } = experiment;
  return writeReport({ store, title: `Experiment: ${name}`, description, experiment, figures });
}

function warnOf({ others }: WrittenReport): void {
  const leftOut = othersText(others);
  if (leftOut) console.error(leftOut);
}

async function run(file: string, options: RunOptions): Promise<void> {
  const catalogue = await withAdditions(builtIn, options.with);
  const written = readExperiment(file, catalogue);
  const experiment = { ...written, sink: written.sink || options.sink };
  const suffix = experiment.sink && !written.sink ? '-sink' : '';
  const directory = options.out ?? join('lab-results', `${experiment.name}${suffix}`);
  const store = new ResultStore(directory);
  const binary = qemuFor(experiment, catalogue, options);
  const planned = plannedRuns(experiment);
  const open = openRuns(planned, existsSync(directory) ? store.runs() : []);
  await checkNeeds({ experiment, runs: open, catalogue });
  mkdirSync(directory, { recursive: true });
  const copy = join(directory, copyName);
  if (file !== copy) {
    const text = asRun(readFileSync(file, 'utf8'), experiment);
    writeResults(directory, new Map([[copyName, text]]), {
      what: copyName,
      advice: 'Make room, or name another folder with --out.',
    });
  }
  const accelerator = await acceleratorFor(experiment, binary);
  console.log(`${planned.length} runs with ${binary}, ${accelerator}`);
  const display = new LabDisplay(process.stdout, options.passes);
  using interrupt = interruptible(
    display,
    'Ending what runs; Ctrl-C again to leave at once.',
    'Left at once. The next start removes what is left.',
  );
  const { measured, resumed, failed } = await runExperiment({
    experiment,
    store,
    measure: measureWith({ binary, accelerator, experiment, catalogue, watcher: display.watcher }),
    onProgress: (progress) => display.run(progress),
    signal: interrupt.signal,
  });
  const before = resumed > 0 ? `, ${resumed} were there already` : '';
  console.log(`${measured} runs measured${before}, ${failed.length} failed for good`);
  if (measured + resumed > 0) {
    const { runs } = keptRuns(store, experiment);
    console.log(`\n${comparisonText(comparables(summarise(runs), experiment.methods))}`);
    const report = await writeReportOf(directory, catalogue);
    console.log(`report: ${report.page}`);
    warnOf(report);
  }
  if (failed.length > 0) throw new Error(`${failed.length} runs failed; the report says why.`);
}

function withOption(): Option {
  const description = 'a module with workloads, methods or figures of your own (repeatable)';
  return new Option('--with <file>', description).argParser(each).default([], 'none');
}

function table(rows: readonly { name: string; summary: string }[]): string {
  const width = Math.max(...rows.map(({ name }) => name.length));
  return rows.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`).join('\n');
}

export function addLab(parent: Command): void {
  const lab = parent
    .command('lab')
    .description('Experiments with real VMs on this machine, and their reports.');
  lab
    .command('run')
    .description('Carries an experiment out, or goes on with it, and writes its report.')
    .argument('<file>', 'the YAML file that describes it')
    .option('--out <directory>', 'where results go; default: lab-results/NAME, or NAME-sink')
    .option('--qemu <program>', 'the QEMU to use')
    .addOption(
      new Option('--version <version>', 'which of those that "qemu build" has built')
        .choices(qemuVersions)
        .default('7.2'),
    )
    .addOption(withOption())
    .option('--sink', 'no destination: count pages alone, with half the memory', false)
    .option('--passes', 'show every pass of each migration', false)
    .addHelpText(
      'after',
      `
Each run leaves one file. A run that was interrupted, by Ctrl-C too, is made again by the next call; those
that are done stay as they are. Hosts in network namespaces need root; without it, QEMU limits itself, and
what needs a network is refused before anything starts.

Example:
  fakedirty lab run experiments/first.yaml --out results`,
    )
    .action(async (file: string, options: RunOptions) => {
      try {
        await run(file, options);
      } catch (error) {
        if (!(error instanceof InterruptedError)) throw error;
        console.error(`${error.message} The same command goes on with it.`);
        process.exitCode = exitCodes.interrupted;
      }
    });
  lab
    .command('report')
    .description('Writes the report of the results in a folder again.')
    .argument('<directory>', 'where "lab run" put them')
    .addOption(withOption())
    .action(async (directory: string, options: WithOptions) => {
      const catalogue = await withAdditions(builtIn, options.with);
      const report = await writeReportOf(directory, catalogue);
      console.log(report.page);
      warnOf(report);
    });
  lab
    .command('list')
    .description('Lists workloads and methods.')
    .addOption(withOption())
    .action(async (options: WithOptions) => {
      const { workloads, methods } = await withAdditions(builtIn, options.with);
      console.log(`workloads:\n${table(workloads)}\nmethods:\n${table(methods)}`);
    });
}
