// The unit test that the series adds to QEMU: it passes, and fails where a rule is broken.
import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { needBrokenUnitTest, needOwnTest } from './available.js';
import { some } from './matrix.js';

it('the stage, its tables and its figures keep the rules', { timeout: 60_000 }, (context) => {
  const test = needOwnTest(context, 'test-fake-dirty');
  const { status, stdout, stderr } = spawnSync(test, ['--tap'], { encoding: 'utf8' });
  expect(status, `${stdout}${stderr}`).toBe(0);
  expect(stdout.match(/^ok \d+ /gm)?.length).toBeGreaterThan(15);
});

/** Of those switches that the unit test has to notice; the first are built for the default run. */
const broken = ['R4_ZERO', 'R5', 'SYNC', 'R2', 'R3', 'R4', 'AIR', 'BANDWIDTH', 'SIFT'];

it.for(some(broken, [0, 1, 2]))('a filter that breaks %s fails it', (name, context) => {
  const test = needBrokenUnitTest(context, name);
  const { status, stdout } = spawnSync(test, ['--tap', '-k'], { encoding: 'utf8' });
  expect(status, stdout).not.toBe(0);
});
