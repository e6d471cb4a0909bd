// The QEMUs that the tests migrate guests with: built by the command that users have, and kept.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../lib/system/package-root.js';
import { step } from '../lib/system/step.js';
import { oneSkip, Tally } from './results.js';
import { testLong, testMachines, testSanitizedMachines } from './vitest.js';

const {
  FAKEDIRTY_QEMU_VERSION: version = '7.2',
  FAKEDIRTY_LONG,
  /** Where QEMU 8.1 is, which no distribution that the tests run on has. */
  FAKEDIRTY_QEMU_SOURCE: source,
} = process.env;
const isLong = FAKEDIRTY_LONG === '1';

/** Those that the tests have to notice (qemu-patches/README.md). */
const broken = ['R1', 'R4_ZERO', 'R4_COMPRESS', 'R5', 'R6', 'SYNC', 'FLUSH', 'EMPTY', 'POSTCOPY'];
const brokenInLongRuns = ['R2', 'R3', 'R4', 'RESTART', 'AIR', 'BANDWIDTH', 'SIFT', 'THROTTLE'];

/** No switch of the series: it has fingerprints of 8 bits, which verify mode has to find out. */
const crippled = 'CRIPPLED';

/** What `fakedirty qemu build` ends with when tools or sources are not to be had here. */
const notHere: ReadonlySet<number | null> = new Set([3, 4]);

/** The lines of the command's own steps that say how far it is. */
function progress(endOfLog: string): string | undefined {
  return endOfLog
    .trimEnd()
    .split('\n')
    .at(-1)
    ?.replace(/^ *\.\.\. /, 'of these ');
}

interface Missing {
  readonly missing: string;
  readonly summary: string;
}

/** What is missing here; undefined when it has been built. */
function build(title: string, ...options: string[]): Promise<Missing | undefined> {
  return step({ title, log: 'qemu-build', progress }, async ({ run, log }) => {
    const main = join(packageRoot, 'dist', 'cli', 'main.js');
    const named = source ? ['--source', source] : [];
    const args = [main, 'qemu', 'build', '--version', version, ...named, ...options];
    const exitCode = await run(process.execPath, args, { mayFail: true });
    if (exitCode === 0) return undefined;
    const errors = [...readFileSync(log, 'utf8').matchAll(/^error: (.*)$/gm)];
    const [, missing = 'unknown'] = errors.at(-1) ?? [];
    if (notHere.has(exitCode)) return { missing, summary: 'not possible here' };
    throw new Error(`fakedirty qemu build ended with exit code ${exitCode}`);
  });
}

/** Builds what the tests need, and runs them; skips them all where it can't be built. */
export async function testQemu(): Promise<Tally> {
  const switches = [...broken, crippled, ...(isLong ? brokenInLongRuns : [])].join(',');
  const patched = `qemu: building ${version} with the series`;
  const notBuilt = await build(patched, '--tests', '--broken', switches);
  if (notBuilt) return Tally.of([oneSkip('qemu', notBuilt.missing)]);
  // The distribution has an unpatched 7.2.
  if (version !== '7.2') await build(`qemu: building ${version} without the series`, '--unpatched');
  if (isLong) await build(`qemu: building ${version} with sanitizers`, '--sanitize');
  const tally = await testMachines();
  if (isLong) {
    tally.addAll(await testSanitizedMachines());
    tally.addAll(await testLong());
  }
  return tally;
}
