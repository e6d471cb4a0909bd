// A whole run: every case and every goal asked for, each in processes of its own.
import type { TextOutput } from '../../lib/format/status-line.js';
import { goalJobs } from '../goals/list.js';
import type { Implementation } from '../implementations/implementation.js';
import { nameOf } from '../implementations/implementation.js';
import { thisMachine } from '../machine.js';
import type { Options } from '../options.js';
import type { Goal, Row, Run } from '../results/schema.js';
import { workingSetBytes } from './case.js';
import { runInChild } from './in-child.js';
import type { CaseJob } from './jobs.js';
import { Progress } from './progress.js';
import { inRounds, type MayGoOn, type Measurement, within } from './rounds.js';

function samplingMs({ quick }: Options): number {
  return quick ? 50 : 200;
}

/** Longer: a few per cent are to be told apart. */
function pairSamplingMs({ quick }: Options): number {
  return quick ? 200 : 500;
}

async function measured<Answer>(
  title: string,
  output: TextOutput,
  rounds: number,
  measurements: readonly Measurement<Answer>[],
  mayGoOn?: MayGoOn,
): Promise<Answer[][]> {
  const progress = new Progress(title, output);
  try {
    const answers = await inRounds(measurements, rounds, (done) => progress.show(done), mayGoOn);
    progress.end();
    return answers;
  } catch (error) {
    progress.break();
    throw error;
  }
}

function casesOf(implementations: readonly Implementation[], options: Options): CaseJob[] {
  return options.pageSizesBytes.flatMap((pageSizeBytes) =>
    options.contents.flatMap((contents) =>
      implementations.map(({ package: from, algorithm, mode }) => ({
        kind: 'case' as const,
        implementation: { package: from, algorithm, mode },
        contents,
        pageSizeBytes,
        samplingMs: samplingMs(options),
      })),
    ),
  );
}

async function rowsOf(
  implementations: readonly Implementation[],
  options: Options,
  output: TextOutput,
): Promise<Row[]> {
  const cases = casesOf(implementations, options);
  const measurements = cases.map((job) => {
    const { implementation, contents, pageSizeBytes } = job;
    const what = `${nameOf(implementation)}, ${contents} pages of ${pageSizeBytes} bytes`;
    return { what, measure: () => runInChild(what, job) };
  });
  const { rounds, enoughAfterSeconds } = options;
  const mayGoOn = enoughAfterSeconds === undefined ? undefined : within(enoughAfterSeconds);
  const answers = await measured('measuring', output, rounds, measurements, mayGoOn);
  return cases.map(({ implementation, contents, pageSizeBytes }, at) => ({
    ...implementation,
    contents,
    pageSizeBytes,
    pagesPerCall: answers[at]?.[0]?.pagesPerCall ?? 1,
    nsPerPage: (answers[at] ?? []).map(({ nsPerPage }) => nsPerPage),
  }));
}

async function goalsOf(options: Options, output: TextOutput): Promise<Goal[]> {
  const jobs = goalJobs(options.algorithms);
  const measurements = jobs.map(({ name, ours, other, place }) => {
    const job = { kind: 'pair' as const, ours, other, place, samplingMs: pairSamplingMs(options) };
    return { what: name, measure: () => runInChild(name, job) };
  });
  const answers = await measured('side by side', output, options.rounds, measurements);
  return jobs.map(({ name, kind, bound }, at) => ({
    name,
    kind,
    bound,
    found: (answers[at] ?? []).map((answer) =>
      kind === 'ratio' ? answer.ratio : answer.moreNsPerPage,
    ),
  }));
}

export async function measureRun(
  implementations: readonly Implementation[],
  options: Options,
  output: TextOutput,
): Promise<Run> {
  const startedAt = new Date().toISOString();
  const rows = await rowsOf(implementations, options, output);
  const goals = options.check ? await goalsOf(options, output) : [];
  const { quick } = options;
  const rounds = Math.max(...rows.map(({ nsPerPage }) => nsPerPage.length));
  return {
    format: 'fakedirty-bench-1',
    startedAt,
    machine: thisMachine(),
    settings: { quick, rounds, samplingMs: samplingMs(options), workingSetBytes },
    rows,
    goals,
  };
}
