// npm run bench: compares the hashes that a TypeScript user could use.
import { join } from 'node:path';
import { OptionError } from '../lib/index.js';
import { pngOf } from '../lib/lab/report/png.js';
import { ensureWritable, writeAtomically } from '../lib/system/atomic-write.js';
import { type EndingSignal, endGracefully, signalExitCodes } from '../lib/system/signals.js';
import { checkAgreement } from './agreement.js';
import { goalReport, missedGoals } from './goals/report.js';
import { allImplementations } from './implementations/all.js';
import { measureRun } from './measure/whole-run.js';
import { readOptions, usage } from './options.js';
import { comparisonReport } from './report/comparison-report.js';
import { csvOf } from './report/csv.js';
import { svgOf } from './report/picture.js';
import { tablesOf } from './report/table.js';
import { compareRuns } from './results/comparison.js';
import { readRun, runAsJson } from './results/run-file.js';
import type { Run } from './results/schema.js';

const exitCodes = { failed: 1, usage: 2, goalMissed: 3 };

/** Children are killed when this process exits. */
function stopAt(signal: EndingSignal): never {
  console.error(`\nbench: stopped by ${signal}; nothing was written`);
  process.exit(signalExitCodes[signal]);
}

function filesOf(run: Run): Map<string, string | Uint8Array> {
  const svg = svgOf(run);
  return new Map<string, string | Uint8Array>([
    ['bench.json', runAsJson(run)],
    ['bench.csv', csvOf(run)],
    ['bench.svg', `${svg}\n`],
    ['bench.png', pngOf(svg)],
  ]);
}

async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (options === 'help') {
    console.log(usage);
    return 0;
  }
  const before = options.compare === undefined ? undefined : readRun(options.compare);
  ensureWritable(options.out, '--out');
  const implementations = allImplementations().filter(
    ({ algorithm, mode }) => options.algorithms.includes(algorithm) && options.modes.includes(mode),
  );
  if (implementations.length === 0) {
    throw new OptionError('--modes', 'no implementation of these algorithms is called like that');
  }
  // What is not a result must not stand among results.
  const say = options.json ? console.error : console.log;
  const compared = await checkAgreement(implementations, options.pageSizesBytes);
  say(`${implementations.length} implementations; ${compared} digests compared, all equal`);
  const run = await measureRun(implementations, options, process.stderr);
  const files = filesOf(run);
  try {
    writeAtomically(options.out, files);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`the results can't be written in ${options.out} (${reason})`, { cause });
  }
  if (options.json) process.stdout.write(runAsJson(run));
  else console.log(`\n${tablesOf(run)}`);
  if (run.goals.length > 0) say(goalReport(run.goals));
  if (before) say(comparisonReport(compareRuns(before, run)));
  say(`written: ${[...files.keys()].map((name) => join(options.out, name)).join(', ')}`);
  return missedGoals(run.goals).length > 0 ? exitCodes.goalMissed : 0;
}

/** Results that nobody can take must not look like a fault of the program. */
function endWithoutOutput(error: Error): void {
  console.error(`bench: standard output can't be written (${error.message})`);
  process.exit(exitCodes.failed);
}

endGracefully({ end: stopAt });
process.stdout.once('error', endWithoutOutput);
main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: Error) => {
    const wrongUsage = error instanceof OptionError;
    console.error(`bench: ${error.message}${wrongUsage ? '\n(--help lists the options)' : ''}`);
    process.exitCode = wrongUsage ? exitCodes.usage : exitCodes.failed;
  },
);
