// `fakedirty lab`: experiments with real VMs, and their reports.
import { type Command, Option } from 'commander';
import { FakedirtyError } from '../errors/error.js';
import { plural } from '../format/plural.js';
import {
  builtIn,
  comparisonText,
  type ExperimentOutcome,
  InterruptedError,
  othersText,
  runExperiment,
  type WrittenReport,
  withAdditions,
  writeReport,
} from '../lab/index.js';
import { defaultQemuVersion, type QemuVersion, qemuVersions } from '../qemu/compile/versions.js';
import { exitCodes } from './exit-codes.js';
import { LabDisplay } from './lab-display.js';
import { each, oneOf } from './option-values.js';
import { outputOptions, printResult } from './output-options.js';
import { interruptible } from './session.js';
import { refuseWithoutEffect, replacedBy } from './without-effect.js';

/** Every attempt at some runs failed. */
class AttemptsFailed extends FakedirtyError {
  override readonly name = 'AttemptsFailed';
  override readonly code = 'ERR_RUNS_FAILED';
}

interface WithOptions {
  with: string[];
}

interface RunOptions extends WithOptions {
  out?: string;
  qemu?: string;
  version?: QemuVersion;
  passes: boolean;
  sink: boolean;
  report: boolean;
}

function warnOfOthers({ others }: WrittenReport): void {
  const warning = othersText(others);
  if (warning) console.error(warning);
}

async function run(file: string, options: RunOptions): Promise<void> {
  const { out: directory, qemu, version, sink, report: wantsReport } = options;
  const display = new LabDisplay(process.stdout, options.passes);
  using interrupt = interruptible(
    display,
    'Stopping; press Ctrl-C again to exit at once.',
    'Exiting now; the next run cleans up.',
  );
  const outcome = await runExperiment({
    experiment: file,
    ...{ directory, qemu, version, sink, report: wantsReport },
    catalogue: await withAdditions(builtIn, options.with),
    ...display.callbacks,
    signal: interrupt.signal,
  });
  const { measured, resumed, failed, results, report } = outcome;
  const before = resumed > 0 ? `, ${resumed} measured before` : '';
  const counts = { measured, resumed, failed: failed.length };
  const end = { type: 'experiment-ended', ...counts, directory: outcome.directory };
  printResult({ ...end, ...(report ? { report: report.page } : {}) }, () => {
    const comparison = results ? `\n${comparisonText(results.groups)}` : '';
    const summary = `${plural(measured, 'run')} measured${before}, ${failed.length} failed`;
    return [summary, comparison, whereText(outcome)].filter(Boolean).join('\n');
  });
  if (report) warnOfOthers(report);
  if (failed.length > 0)
    throw new AttemptsFailed(`${plural(failed.length, 'run')} failed; the report has the reasons.`);
}

/** Where the results are, and what to open first. */
function whereText({ directory, report }: ExperimentOutcome): string {
  const results = `results: ${directory} (one .run.json file a run; experiment.yaml is what was run)`;
  return report
    ? `${results}\nopen first: ${report.page} (the report: what was found, then figures and all numbers)`
    : `${results}\nno report was written; to write it: fakedirty lab report ${directory}`;
}

function withOption(): Option {
  const description = 'a module with workloads, methods or figures of your own (repeatable)';
  return new Option('--with <file>', description).argParser(each).default([]);
}

function table(rows: readonly { name: string; summary: string }[]): string {
  const width = Math.max(...rows.map(({ name }) => name.length));
  return rows.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`).join('\n');
}

/** Adds `fakedirty lab` to the command line. */
export function addLab(parent: Command): void {
  const lab = parent
    .command('lab')
    .description('Experiments with real VMs on this machine, and their reports.');
  refuseWithoutEffect(lab.command('run'), [replacedBy('--version', '--qemu')])
    .description('Runs or resumes an experiment, and writes its report.')
    .argument('<file>', 'the experiment file (YAML)')
    .option('--out <directory>', 'the folder of results; default: lab-results/NAME, or NAME-sink')
    .option('--qemu <program>', 'the QEMU to use')
    .addOption(
      oneOf(
        new Option(
          '--version <version>',
          `use the QEMU of this version that "qemu build" has built (default: ${defaultQemuVersion})`,
        ),
        qemuVersions,
      ),
    )
    .addOption(withOption())
    .option('--sink', 'no destination: only count pages, with half the memory', false)
    .option('--passes', 'show every pass of each migration', false)
    .option('--no-report', 'write no report; then the packages that draw charts are not needed')
    .addHelpText(
      'after',
      `
Each run leaves one file. If the experiment is interrupted, by Ctrl-C or otherwise, the same command resumes
it: finished runs are kept, the interrupted one is made again. Hosts in network namespaces need root. Without
root, QEMU limits its own rate, and experiments that need a network are refused before anything starts.

Example:
  sudo fakedirty lab run experiments/first.yaml --qemu "$(fakedirty qemu path)" --out results`,
    )
    .action(async (file: string, options: RunOptions) => {
      try {
        await run(file, options);
      } catch (error) {
        if (!(error instanceof InterruptedError) || outputOptions().json) throw error;
        console.error(`${error.message} Run the same command again to resume it.`);
        process.exitCode = exitCodes.interrupted;
      }
    });
  lab
    .command('report')
    .description('Writes the report of a folder of results again.')
    .argument('<directory>', 'the folder that "lab run" wrote its results to')
    .addOption(withOption())
    .action(async (directory: string, options: WithOptions) => {
      const report = await writeReport(directory, await withAdditions(builtIn, options.with));
      printResult({ report: report.page, otherRuns: report.others }, () => report.page);
      warnOfOthers(report);
    });
  lab
    .command('list')
    .description('Lists workloads and methods.')
    .addOption(withOption())
    .action(async (options: WithOptions) => {
      const { workloads, methods } = await withAdditions(builtIn, options.with);
      const summaries = (all: readonly { name: string; summary: string }[]) =>
        all.map(({ name, summary }) => ({ name, summary }));
      printResult(
        { workloads: summaries(workloads), methods: summaries(methods) },
        () => `workloads:\n${table(workloads)}\nmethods:\n${table(methods)}`,
      );
    });
}
