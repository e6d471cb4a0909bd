// A QEMU that lacks what a method needs is refused before the first run.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, type TestContext } from 'vitest';
import { builtIn } from '../../../lib/lab/catalogue/built-in.js';
import { parseExperiment } from '../../../lib/lab/catalogue/experiment-file.js';
import type { Method } from '../../../lib/lab/methods/method.js';
import { UnmetNeedsError } from '../../../lib/lab/run/needs.js';
import { runExperiment } from '../../../lib/lab/run/run-experiment.js';
import { leftBehind } from '../machine/experiments.js';

/** The distribution's QEMU, which has no filter. */
const qemu = '/usr/bin/qemu-system-x86_64';

const magic: Method = {
  ...builtIn.method('plain'),
  name: 'magic',
  options: () => ({ capabilities: { 'x-magic': true }, parameters: { 'magic-level': 3 } }),
};
const odd: Method = {
  ...builtIn.method('plain'),
  name: 'odd',
  sourceArguments: ['-global', 'migration.x-odd=1', '-no-such-option'],
};
const catalogue = builtIn.with({ methods: [magic, odd] });

/** What is said of an experiment with these methods; the runs that were measured are none. */
async function refusal(methods: string, { skip, onTestFinished }: TestContext) {
  if (spawnSync(qemu, ['--version']).error) skip(`needs ${qemu}`);
  const directory = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const text = `name: trial\nworkloads: [bare-idle]\nmemoryMiB: [256]\nguest: { accelerator: tcg }\nmethods: [${methods}]\n`;
  const experiment = parseExperiment(text, 'trial.yaml', catalogue);
  const events: string[] = [];
  const onEvent = ({ type }: { type: string }) => events.push(type);
  const running = runExperiment({ experiment, directory, qemu, catalogue, onEvent, report: false });
  const error = await running.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(UnmetNeedsError);
  expect(events).toEqual([]);
  expect(
    existsSync(directory)
      ? readdirSync(directory).filter((name) => name.endsWith('.run.json'))
      : [],
  ).toEqual([]);
  expect(leftBehind()).toEqual([]);
  return (error as UnmetNeedsError).problems;
}

it('names the methods that need the filter, and says where there is a QEMU that has it', async (context) => {
  const problems = await refusal('plain, filter-ph128, xbzrle-filter, xbzrle', context);
  expect(problems).toEqual([
    expect.stringMatching(
      /^The methods filter-ph128, xbzrle-filter can't be run with \/usr\/bin\/qemu-system-x86_64: .*has no fake dirty filter.*qemu build/,
    ),
  ]);
});

it('names each capability and parameter that is missing', async (context) => {
  expect(await refusal('plain, magic', context)).toEqual([
    expect.stringMatching(/^The method magic can't be run .*"x-magic" is not a capability/),
    expect.stringMatching(/^The method magic can't be run .*"magic-level" is not a parameter/),
  ]);
});

it('names a method whose arguments QEMU does not take', async (context) => {
  expect(await refusal('plain, odd', context)).toEqual([
    expect.stringMatching(/^The method odd can't be run .*no-such-option/s),
  ]);
});
