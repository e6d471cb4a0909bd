// The native tests of one build: ctest runs them, its JUnit file says how each one ended.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { printTail, step } from '../run/step.mjs';
import { readJunit } from './junit.mjs';
import { alone } from './native-build.mjs';
import { oneFailure, Tally } from './tally.mjs';

const secondsATest = 600;

export function testNative(build) {
  const title = `native: testing ${build.label}`;
  return alone(build, () =>
    step({ title, log: `test-${build.name}` }, async ({ run, log }) => {
      const report = join(build.directory, 'junit.xml');
      rmSync(report, { force: true });
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
        String(secondsATest),
        '-j2',
      );
      const env = { ...build.env, GTEST_COLOR: 'no' };
      const exitCode = await run(command, args, { env, mayFail: true });
      if (!existsSync(report)) throw new Error('ctest wrote no results');
      const tally = new Tally();
      for (const test of readJunit(readFileSync(report, 'utf8'))) tally.add(test);
      // A runner that fails for a reason of its own must not pass for tests that passed.
      if (exitCode !== 0 && tally.failed === 0) {
        tally.add(oneFailure('ctest', `ended with exit code ${exitCode}`));
      }
      if (tally.failed > 0) printTail(log);
      return tally;
    }),
  );
}
