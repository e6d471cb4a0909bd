// The native tests of one build: ctest runs the programs, and says how each one ended; a program of GoogleTest writes
// how each of its cases did. And fuzzing: every target of the ASan build at once, on corpora that grow from run to run.
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { cacheDirectory } from '../lib/system/cache.js';
import { endText, runGroup } from '../lib/system/processes.js';
import { logFile, printTail, step } from '../lib/system/step.js';
import { alone, type NativeBuild } from './native.js';
import {
  oneFailure,
  onePass,
  oneSkip,
  readCtest,
  readGoogleTest,
  Tally,
  type TestResult,
} from './results.js';

const secondsAProgram = 600;

/** The cases that one of ctest's tests stands for, or itself. */
function casesOf(test: TestResult, reports: string): TestResult[] {
  if (!/^fakedirty_\w+_test$/.test(test.name)) return [test];
  const report = join(reports, `${test.name}.xml`);
  // A program that died has written nothing, and one without cases has tested nothing.
  const cases = existsSync(report) ? readGoogleTest(readFileSync(report, 'utf8')) : [];
  const failed = cases.length === 0 || test.outcome === 'failed';
  // What a sanitizer finds at the end is of no case.
  if (failed && !cases.some(({ outcome }) => outcome === 'failed')) {
    cases.push(oneFailure(test.name, test.reason ?? 'ran no case'));
  }
  return cases;
}

export function testNative(build: NativeBuild): Promise<Tally> {
  const title = `native: testing ${build.label}`;
  return alone(build, () =>
    step({ title, log: `test-${build.name}` }, async ({ run, log }) => {
      const report = join(build.directory, 'junit.xml');
      const reports = join(build.directory, 'cases', '/');
      for (const old of [report, reports]) rmSync(old, { recursive: true, force: true });
      const [command, args] = build.commandLine(
        'ctest',
        ...['--test-dir', build.directory, '--output-junit', report, '--output-on-failure'],
        ...['--no-tests=error', '--test-output-size-passed', '65536'],
        ...['--timeout', String(secondsAProgram), '-j2'],
      );
      const env = { ...build.env, GTEST_COLOR: 'no', GTEST_OUTPUT: `xml:${reports}` };
      const exitCode = await run(command, args, { env, mayFail: true });
      if (!existsSync(report)) throw new Error('ctest wrote no results');
      const tests = readCtest(readFileSync(report, 'utf8'));
      const tally = Tally.of(tests.flatMap((test) => casesOf(test, reports)));
      // A runner that fails for a reason of its own must not pass for tests that passed.
      if (exitCode !== 0 && tally.failed === 0) {
        tally.add(oneFailure('ctest', `ended with exit code ${exitCode}`));
      }
      if (tally.failed > 0) printTail(log);
      return tally;
    }),
  );
}

interface FuzzTarget {
  readonly name: string;
  readonly program: string;
}

function targetsOf(build: NativeBuild): FuzzTarget[] {
  const directory = join(build.directory, 'fuzz');
  const isProgram = (name: string) => {
    const status = statSync(join(directory, name));
    return name.startsWith('fuzz_') && status.isFile() && (status.mode & 0o111) !== 0;
  };
  const targets = (existsSync(directory) ? readdirSync(directory) : []).filter(isProgram);
  if (targets.length === 0) throw new Error(`there is no fuzz target in ${directory}`);
  return targets.map((name) => ({ name, program: join(directory, name) }));
}

async function fuzz(
  { name, program }: FuzzTarget,
  build: NativeBuild,
  seconds: number,
): Promise<TestResult> {
  const corpus = cacheDirectory('corpora', name);
  const crashes = cacheDirectory('crashes', name);
  const log = logFile(name);
  const descriptor = openSync(log, 'a');
  const [command, args] = build.commandLine(
    program,
    `-max_total_time=${seconds}`,
    `-artifact_prefix=${crashes}/`,
    '-print_final_stats=1',
    '-timeout=60',
    corpus,
    // Old crashes first: what is still broken shows at once.
    crashes,
  );
  const stdio = ['ignore', descriptor, descriptor] as const;
  const end = await runGroup(command, args, { env: build.env, stdio });
  closeSync(descriptor);
  if (end.exitCode === 0) return onePass(name);
  printTail(log);
  const reproducer = /Test unit written to (\S+)/.exec(readFileSync(log, 'utf8'))?.[1];
  const kept = readdirSync(crashes).map((file) => join(crashes, file));
  return oneFailure(
    name,
    reproducer
      ? `crashed; reproduce with: ${program} ${reproducer}`
      : `ended with ${endText(end)}; kept reproducers: ${kept.join(' ') || 'none'}`,
  );
}

export function fuzzNative(build: NativeBuild, seconds: number): Promise<Tally> {
  const detail = `${seconds} s`;
  return step({ title: 'fuzz: running all targets', detail, log: 'fuzz' }, async () => {
    const targets = targetsOf(build);
    if (seconds === 0) {
      return Tally.of(targets.map(({ name }) => oneSkip(name, 'FAKEDIRTY_FUZZ_SECONDS is 0')));
    }
    return Tally.of(await Promise.all(targets.map((target) => fuzz(target, build, seconds))));
  });
}
