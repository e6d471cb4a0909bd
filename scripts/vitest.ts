// The tests that Vitest runs: which of them together, in what surroundings, on which Node, and with which QEMUs.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { cacheDirectory, checkoutKey } from '../lib/system/cache.js';
import { printTail, step } from '../lib/system/step.js';
import { buildQemu, packageScript } from './build.js';
import { type CommandLine, type NativeBuild, preloadedSanitizer } from './native.js';
import type { OtherNode } from './nodes.js';
import { oneFailure, oneSkip, Tally } from './results.js';

/** As test/harness/vitest-reporter.ts writes them. */
const resultsSchema = z.array(
  z.object({
    name: z.string(),
    outcome: z.enum(['passed', 'failed', 'skipped']),
    reason: z.string().default(''),
  }),
);

interface VitestRun {
  readonly title: string;
  readonly log: string;
  /** What is selected. */
  readonly args: readonly string[];
  /** Variables for the tests. */
  readonly env?: Readonly<Record<string, string>>;
  /** The Node that runs them; this one when not given. */
  readonly node?: string;
  /** Before each test's name. */
  readonly label?: string;
  readonly commandLine?: (command: string, ...args: string[]) => CommandLine;
}

const plainly = (command: string, ...args: string[]): CommandLine => [command, args];
const reporter = fileURLToPath(new URL('../test/harness/vitest-reporter.js', import.meta.url));

function runVitest(vitestRun: VitestRun): Promise<Tally> {
  const { title, log: name, args: selection, label = '', commandLine = plainly } = vitestRun;
  return step({ title, log: name }, async ({ run, log }) => {
    const results = join(cacheDirectory('vitest', checkoutKey), `${process.pid}-${name}.json`);
    const [command, args] = commandLine(
      vitestRun.node ?? process.execPath,
      packageScript('vitest', 'vitest.mjs'),
      'run',
      ...selection,
      '--reporter=verbose',
      `--reporter=${reporter}`,
    );
    const env = { ...vitestRun.env, NO_COLOR: '1', FAKEDIRTY_VITEST_RESULTS: results };
    const exitCode = await run(command, args, { env, mayFail: true });
    if (!existsSync(results)) throw new Error('vitest wrote no results');
    const tests = resultsSchema.parse(JSON.parse(readFileSync(results, 'utf8')));
    const tally = Tally.of(tests.map((test) => ({ ...test, name: `${label}${test.name}` })));
    rmSync(results);
    if (exitCode !== 0 && tally.failed === 0) {
      tally.add(oneFailure(`${label}vitest`, `ended with exit code ${exitCode}`));
    }
    if (tally.failed > 0) printTail(log);
    return tally;
  });
}

const onArm64 = 'test/package/arm64.test.ts';

/** All tests but those that run guests, take hours or have a part of their own. */
export function testTypescript(): Promise<Tally> {
  const args = ['--dir=test', '--exclude=**/{machine,series,long}/**', `--exclude=${onArm64}`];
  return runVitest({ title: 'vitest: testing', log: 'vitest', args });
}

/** The packed tarball on a Node for 64-bit Arm, in an emulator where that is needed. */
export function testPackageOnArm64(): Promise<Tally> {
  return runVitest({ title: 'arm64: testing the package', log: 'vitest-arm64', args: [onArm64] });
}

/** What is not tested again on another Node: guests, and what takes long and is the work of other programs. */
const sameOnEachNode = [
  '**/{machine,series,long,bench,package,docs,architecture,scripts}/**',
  '**/cli/{help,lab-command,migration-commands,output,qemu-command}.test.ts',
  '**/lab/{hosts,report}/**',
  '**/{additions,full-disk,key-value-load,leak}.test.ts',
];

/** The unit tests once more on another Node; the packed tarball is tested on each by its own tests. */
export async function testOnNode({ major, program }: OtherNode): Promise<Tally> {
  if (program === undefined) {
    return Tally.of([oneSkip(`Node ${major}`, 'its npm package is not to be had here')]);
  }
  return await runVitest({
    title: `nodes: testing on Node ${major}`,
    log: `vitest-node-${major}`,
    args: ['--dir=test', '--maxWorkers=1', ...sameOnEachNode.map((glob) => `--exclude=${glob}`)],
    node: program,
    label: `Node ${major}: `,
  });
}

/** The folders of tests that run guests. */
const withGuests = [
  'qemu/machine/',
  'qemu/series/',
  'lab/machine/',
  'monitor/machine/',
  'fleet/machine/',
];

/**
 * The tests that run guests. Each takes all processors, but waits for its link as well: two at a time end sooner. Those
 * that measure time are among them: what they say holds beside other work.
 */
function testMachines(): Promise<Tally> {
  return runVitest({
    title: 'qemu: testing',
    log: 'qemu',
    args: ['--dir=test', ...withGuests, '--maxWorkers=2'],
  });
}

/** Those that compare memories, with a QEMU that watches itself. */
function testSanitizedMachines(): Promise<Tally> {
  const subjects = [
    '20-equality',
    '22-kvm',
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
function testLong(): Promise<Tally> {
  const args = ['--dir=test/qemu/long', '--no-file-parallelism'];
  return runVitest({ title: 'qemu: testing at length', log: 'qemu-long', args });
}

const {
  FAKEDIRTY_QEMU_VERSION: version = '7.2',
  FAKEDIRTY_LONG,
  /** Where QEMU 8.1 is, which no distribution that the tests run on has. */
  FAKEDIRTY_QEMU_SOURCE: source,
} = process.env;
const isLong = FAKEDIRTY_LONG === '1';

/** Those that the tests have to notice (qemu-patches/README.md). */
const broken = [
  'R1',
  'R4_ZERO',
  'R4_COMPRESS',
  'R5',
  'R6',
  'R10',
  'SYNC',
  'FLUSH',
  'EMPTY',
  'POSTCOPY',
];
const brokenInLongRuns = [
  'R2',
  'R2_NEVER',
  'R3',
  'R4',
  'R9',
  'UNSEEN',
  'FAIL',
  'RESTART',
  'SKIP_BUDGET',
  'BANDWIDTH',
  'RESCAN',
  'THROTTLE',
];

/** No switch of the series: it has fingerprints of 8 bits, which verify mode has to find out. */
const crippled = 'CRIPPLED';

/** Builds the QEMUs that the tests migrate guests with, and runs them; skips them all where that can't be built. */
export async function testQemu(): Promise<Tally> {
  const build = (title: string, ...options: string[]) => {
    const named = source ? ['--source', source] : [];
    return buildQemu(`qemu: building ${version} ${title}`, [
      '--version',
      version,
      ...named,
      ...options,
    ]);
  };
  const switches = [...broken, crippled, ...(isLong ? brokenInLongRuns : [])].join(',');
  const notBuilt = await build('with the series', '--tests', '--broken', switches);
  if (notBuilt) return Tally.of([oneSkip('qemu', notBuilt.missing)]);
  // The distribution has an unpatched 7.2.
  if (version !== '7.2') await build('without the series', '--unpatched');
  if (isLong) await build('with sanitizers', '--sanitize');
  const tally = await testMachines();
  if (isLong) {
    tally.addAll(await testSanitizedMachines());
    tally.addAll(await testLong());
  }
  return tally;
}

/** The addon's tests again, with an addon that was built with AddressSanitizer. */
export function testSanitizedAddon(build: NativeBuild): Promise<Tally> {
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
