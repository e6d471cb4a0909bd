// The unit tests that the series adds to QEMU: they pass, and they fail in a build that breaks a rule.
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { watchedUnitTest } from '../../../lib/qemu/compile/test-programs.js';
import { some } from '../../harness/methods-and-guests.js';
import { needBrokenUnitTest, needOwnTest } from '../../harness/requirements.js';

/** How many cases each has, at least. */
const tests = [
  { name: 'test-fake-dirty', what: 'the stage and its tables', cases: 21 },
  { name: 'test-fake-dirty-bandwidth', what: 'the estimate of the bandwidth', cases: 11 },
  { name: 'test-fake-dirty-pace', what: 'syncs, looks and throttling', cases: 10 },
  { name: 'test-fake-dirty-end', what: 'when a migration ends', cases: 5 },
  { name: 'test-fake-dirty-multifd', what: 'the channels of multifd', cases: 4 },
  { name: watchedUnitTest, what: 'the channels of multifd, under ThreadSanitizer', cases: 4 },
];

it.for(tests.map((test) => [test.what, test] as const))(
  'the unit tests that the series adds to QEMU pass: %s',
  ([, { name, cases }], context) => {
    const test = needOwnTest(context, name);
    const { status, stdout, stderr } = spawnSync(test, ['--tap'], { encoding: 'utf8' });
    expect(status, `${stdout}${stderr}`).toBe(0);
    expect(stdout.match(/^ok \d+ /gm)?.length).toBeGreaterThanOrEqual(cases);
  },
);

/** Which test has to notice which switch; the first are built for the default run. */
const noticed = [
  ...['R4_ZERO', 'R5', 'SYNC'].map((broken) => ({ broken, test: 'test-fake-dirty' })),
  ...['R6', 'EMPTY'].map((broken) => ({ broken, test: 'test-fake-dirty-multifd' })),
  { broken: 'R10', test: 'test-fake-dirty-pace' },
  ...['R2', 'R2_NEVER', 'R3', 'R4', 'UNSEEN', 'RESTART', 'SKIP_BUDGET'].map((broken) => ({
    broken,
    test: 'test-fake-dirty',
  })),
  { broken: 'BANDWIDTH', test: 'test-fake-dirty-bandwidth' },
  ...['RESCAN', 'THROTTLE'].map((broken) => ({ broken, test: 'test-fake-dirty-pace' })),
];

describe('a build that breaks a rule on purpose', () => {
  it.for(some(noticed, [0, 1, 2, 3, 4, 5]))(
    'built with $broken, fails $test',
    ({ broken, test }, context) => {
      const program = needBrokenUnitTest(context, test, broken);
      const { status, stdout } = spawnSync(program, ['--tap', '-k'], { encoding: 'utf8' });
      expect(status, stdout).not.toBe(0);
    },
  );
});
