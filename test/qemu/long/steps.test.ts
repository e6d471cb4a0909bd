// Each step of the series stands alone: QEMU's own style check finds nothing, and the tree builds and
// passes its tests after it, with libfakedirty and without.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join, parse } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configureOptions } from '../../../lib/qemu/compile/build.js';
import { buildLibrary } from '../../../lib/qemu/compile/library.js';
import { compilerVersion } from '../../../lib/qemu/compile/requirements.js';
import { applySeries, readSeries, type Series } from '../../../lib/qemu/compile/series.js';
import { unitTestsOf } from '../../../lib/qemu/compile/test-programs.js';
import { packageRoot } from '../../../lib/system/package-root.js';
import { step } from '../../../lib/system/step.js';
import { withoutKvm } from '../../harness/qemu-without-kvm.js';
import { testedVersion } from '../../harness/requirements.js';
import { removeMs, type Unpacked, unpackTested } from '../../harness/unpacked-qemu.js';

const buildMs = 60 * 60_000;
const series = readSeries(join(packageRoot, 'qemu-patches'), testedVersion);

/** A patch, and the files that come with it. */
const steps: Series[] = [];
for (const line of series.steps) {
  if (line.kind === 'patch') steps.push({ ...series, steps: [line] });
  else steps.push({ ...series, steps: [...(steps.pop()?.steps ?? []), line] });
}

function titleOf({ steps: [patch] }: Series): string {
  return patch?.kind === 'patch' ? patch.name : 'files without a patch';
}

let unpacked: Unpacked | undefined;
let work: string;
let tree: string;

beforeAll(async () => {
  unpacked = await unpackTested('steps');
  ({ work, tree } = unpacked);
}, buildMs);
afterAll(() => unpacked?.remove(), removeMs);

/** Its output is in a log, whose end is shown when it fails. */
function succeed(command: string, args: string[], cwd: string, env = {}): Promise<unknown> {
  const title = `steps: ${parse(command).base} ${args.slice(0, 2).join(' ')}`;
  return step({ title, log: 'steps' }, ({ run }) => run(command, args, { cwd, env }));
}

/** What a QEMU says when the filter is asked for. */
function answersToCapability(binary: string): string {
  const capabilities = [{ capability: 'fake-dirty-filter', state: true }];
  const commands = [
    { execute: 'qmp_capabilities' },
    { execute: 'migrate-set-capabilities', arguments: { capabilities } },
    { execute: 'quit' },
  ];
  const args = ['-M', 'none', '-nodefaults', '-display', 'none', '-qmp', 'stdio'];
  const input = commands.map((command) => JSON.stringify(command)).join('\n');
  return spawnSync(binary, args, { input, encoding: 'utf8' }).stdout;
}

/** The build directories, with what their configure gets. */
const builds = [
  ['with libfakedirty', true],
  ['without libfakedirty', false],
] as const;

describe.each(steps.map((one) => [titleOf(one), one] as const))('the series up to %s', (_, one) => {
  it('applies exactly, and passes checkpatch', { timeout: 120_000 }, async () => {
    await step({ title: 'applying', log: 'steps' }, (tools) => applySeries(one, tree, tools));
    for (const line of one.steps) {
      const args = line.kind === 'patch' ? [line.file] : ['-f', line.target];
      // It knows patches, and programs in C.
      if (line.kind === 'copy' && !/\.[ch]$/.test(line.target)) continue;
      await succeed(join(tree, 'scripts', 'checkpatch.pl'), args, tree);
    }
  });

  // Without the library the end says it all.
  it.each(one === steps.at(-1) ? builds : builds.slice(0, 1))(
    'builds and passes its tests, %s',
    async (name, withLibrary) => {
      const objects = join(work, name.replaceAll(' ', '-'));
      const { pkgConfig } = await buildLibrary(compilerVersion(), 2);
      const env = withLibrary ? { PKG_CONFIG_PATH: pkgConfig } : {};
      const request = {
        version: testedVersion,
        targets: ['x86_64-softmmu'],
        enable: [],
        disable: [],
        sanitize: false,
      };
      // The first steps, which mend QEMU itself, know nothing of the library.
      const known = readFileSync(join(tree, 'meson_options.txt'), 'utf8').includes('fakedirty');
      const options = configureOptions(request, undefined).filter(
        (option) => !option.startsWith('--with-pkgversion'),
      );
      if (known) options.push(withLibrary ? '--enable-fakedirty' : '--disable-fakedirty');
      mkdirSync(objects, { recursive: true });
      await succeed(join(tree, 'configure'), options, objects, env);
      const tests = ['tests/qtest/migration-test', 'tests/unit/test-xbzrle'];
      if (withLibrary) tests.push(...unitTestsOf(tree));
      await succeed('ninja', ['qemu-system-x86_64', ...tests], objects, env);
      const binary = withoutKvm(work, join(objects, 'qemu-system-x86_64'), []);
      const qemu = { QTEST_QEMU_BINARY: binary };
      for (const test of tests) {
        const quick = test.includes('qtest') ? ['-p', '/x86_64/migration/precopy'] : [];
        await succeed(join(objects, test), ['--tap', '-k', ...quick], objects, qemu);
      }
      if (known && !withLibrary) expect(answersToCapability(binary)).toContain('not built in');
    },
    buildMs,
  );
});
