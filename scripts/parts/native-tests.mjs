// The native tests of one build: ctest runs the programs, and says how each one ended; a program
// of GoogleTest writes how each of its cases did.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { printTail, step } from '../run/step.mjs';
import { readGoogleTest, readJunit } from './junit.mjs';
import { alone } from './native-build.mjs';
import { oneFailure, Tally } from './tally.mjs';

const secondsAProgram = 600;

/** The cases that one of ctest's tests stands for, or itself. */
function casesOf(test, reports) {
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

export function testNative(build) {
  const title = `native: testing ${build.label}`;
  return alone(build, () =>
    step({ title, log: `test-${build.name}` }, async ({ run, log }) => {
      const report = join(build.directory, 'junit.xml');
      const reports = join(build.directory, 'cases', '/');
      for (const old of [report, reports]) rmSync(old, { recursive: true, force: true });
      const [command, args] = build.commandLine(
        'ctest',
        '--test-dir',
        build.directory,
        '--output-junit',
        report,
        '--output-on-failure',
        '--no-tests=error',
        '--test-output-size-passed',
        '65536',
        '--timeout',
        String(secondsAProgram),
        '-j2',
      );
      const env = { ...build.env, GTEST_COLOR: 'no', GTEST_OUTPUT: `xml:${reports}` };
      const exitCode = await run(command, args, { env, mayFail: true });
      if (!existsSync(report)) throw new Error('ctest wrote no results');
      const tally = new Tally();
      for (const test of readJunit(readFileSync(report, 'utf8'))) {
        for (const one of casesOf(test, reports)) tally.add(one);
      }
      // A runner that fails for a reason of its own must not pass for tests that passed.
      if (exitCode !== 0 && tally.failed === 0) {
        tally.add(oneFailure('ctest', `ended with exit code ${exitCode}`));
      }
      if (tally.failed > 0) printTail(log);
      return tally;
    }),
  );
}
