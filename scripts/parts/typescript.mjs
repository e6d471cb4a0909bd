// The TypeScript side: its build and its tests.
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheDirectory, checkoutKey, repository } from '../run/cache.mjs';
import { printTail, step } from '../run/step.mjs';
import { packageScript } from '../setup/node-modules.mjs';
import { preloadedSanitizer } from './sanitizers.mjs';
import { oneFailure, Tally } from './tally.mjs';

const plainly = (command, ...args) => [command, args];

export function buildTypescript() {
  return step({ title: 'build: TypeScript', log: 'tsc' }, ({ run }) => {
    // What has no source any more must not linger in the package.
    rmSync(join(repository, 'dist'), { recursive: true, force: true });
    const tsc = packageScript('typescript', 'bin', 'tsc');
    return run(process.execPath, [tsc, '--project', 'tsconfig.build.json']);
  });
}

/** Builds when a source is newer than what came of it. */
export async function buildTypescriptIfStale() {
  const builtMs = statSync(join(repository, 'dist', 'index.js'), {
    throwIfNoEntry: false,
  })?.mtimeMs;
  const sources = readdirSync(join(repository, 'lib'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.path, entry.name));
  const newestMs = Math.max(...sources.map((file) => statSync(file).mtimeMs));
  if (!(builtMs > newestMs)) await buildTypescript();
}

/** Runs Vitest with these arguments; `env` is for the tests. */
function runVitest({ title, log: name, args: selection, env: added = {}, commandLine = plainly }) {
  return step({ title, log: name }, async ({ run, log }) => {
    const results = join(cacheDirectory('vitest', checkoutKey), `${process.pid}.json`);
    const reporter = fileURLToPath(new URL('./vitest-results.mjs', import.meta.url));
    const vitest = packageScript('vitest', 'vitest.mjs');
    const [command, args] = commandLine(
      process.execPath,
      vitest,
      'run',
      ...selection,
      // Other tests, other programs and sanitizers may take most of the machine.
      '--testTimeout=120000',
      '--reporter=verbose',
      `--reporter=${reporter}`,
    );
    const env = { ...added, NO_COLOR: '1', FAKEDIRTY_VITEST_RESULTS: results };
    const exitCode = await run(command, args, { env, mayFail: true });
    if (!existsSync(results)) throw new Error('vitest wrote no results');
    const tally = new Tally();
    for (const test of JSON.parse(readFileSync(results, 'utf8'))) tally.add(test);
    rmSync(results);
    if (exitCode !== 0 && tally.failed === 0) {
      tally.add(oneFailure('vitest', `ended with exit code ${exitCode}`));
    }
    if (tally.failed > 0) printTail(log);
    return tally;
  });
}

/** All tests but those that run guests, or take hours. */
export function testTypescript() {
  const args = ['--dir=test', '--exclude=**/{machine,series,long}/**'];
  return runVitest({ title: 'vitest: testing', log: 'vitest', args });
}

/** The folders of tests that run guests. */
const withGuests = ['qemu/machine/', 'qemu/series/', 'lab/machine/'];

/**
 * The tests that run guests. Each takes all processors, but waits for its link as well: two at a time end
 * sooner. Those whose names say so run alone: they measure time.
 */
export async function testMachines() {
  const alone = '**/*.alone.test.ts';
  const tally = await runVitest({
    title: 'qemu: testing',
    log: 'qemu',
    args: ['--dir=test', ...withGuests, `--exclude=${alone}`, '--maxWorkers=2'],
  });
  const timed = await runVitest({
    title: 'qemu: testing what measures time',
    log: 'qemu-alone',
    args: ['--dir=test', '.alone.test.ts', '--no-file-parallelism'],
  });
  tally.addAll(timed);
  return tally;
}

/** Those that compare memories, with a QEMU that watches itself. */
export function testSanitizedMachines() {
  const subjects = [
    '20-equality',
    '30-counters',
    '50-combinations',
    '51-devices',
    '53-post-copy',
    '54-auto-converge',
  ];
  return runVitest({
    title: 'qemu: testing with sanitizers',
    log: 'qemu-sanitized',
    args: [
      '--no-file-parallelism',
      ...subjects.map((subject) => `test/qemu/series/${subject}.test.ts`),
    ],
    env: {
      FAKEDIRTY_SANITIZED: '1',
      // QEMU compares the beginnings of its directories with more bytes than the shorter one has.
      ASAN_OPTIONS: 'detect_leaks=0:detect_stack_use_after_return=0:strict_memcmp=0',
      UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
    },
  });
}

/** QEMU's own tests with the filter forced on, and each step of the series by itself. */
export function testLong() {
  const args = ['--dir=test/qemu/long', '--no-file-parallelism'];
  return runVitest({ title: 'qemu: testing at length', log: 'qemu-long', args });
}

/** The addon's tests again, with an addon that was built with AddressSanitizer. */
export function testSanitizedAddon(build) {
  // Not those that measure memory, which a sanitizer keeps for itself.
  const subjects = [
    'native',
    'hasher',
    'options',
    'table',
    'memory-file',
    'background',
    'workers',
    'fuzz',
  ];
  return runVitest({
    title: `vitest: testing the addon with ${build.label}`,
    log: 'vitest-asan',
    args: ['--dir=test', ...subjects.map((subject) => `test/fingerprint/${subject}.test.ts`)],
    env: { ...preloadedSanitizer(build), FAKEDIRTY_PREBUILD: join(build.directory, 'addon') },
    commandLine: build.commandLine,
  });
}
