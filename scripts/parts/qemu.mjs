// The QEMUs that the tests migrate guests with: built by the command that users have, and kept.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../run/cache.mjs';
import { step } from '../run/step.mjs';
import { Tally } from './tally.mjs';
import { testLong, testMachines, testSanitizedMachines } from './typescript.mjs';

const version = process.env.FAKEDIRTY_QEMU_VERSION ?? '7.2';
const isLong = process.env.FAKEDIRTY_LONG === '1';
/** Where QEMU 8.1 is, which no distribution that the tests run on has. */
const source = process.env.FAKEDIRTY_QEMU_SOURCE;

/** Those that the tests have to notice (qemu-patches/README.md). */
const broken = ['R1', 'R4_ZERO', 'R4_COMPRESS', 'R5', 'R6', 'SYNC', 'FLUSH', 'EMPTY', 'POSTCOPY'];
const brokenInLongRuns = [
  'R2',
  'R3',
  'R4',
  'RESTART',
  'SKIP_BUDGET',
  'BANDWIDTH',
  'RESCAN',
  'THROTTLE',
];

/** No switch of the series: it has fingerprints of 8 bits, which verify mode has to find out. */
const crippled = 'CRIPPLED';

/** What `fakedirty qemu build` ends with when tools or sources are not to be had here. */
const notHere = new Set([3, 4]);

/** The lines of the command's own steps that say how far it is. */
function progress(endOfLog) {
  return endOfLog
    .trimEnd()
    .split('\n')
    .at(-1)
    ?.replace(/^ *\.\.\. /, 'of these ');
}

/** Answers what is missing here; undefined when it has been built. */
function build(title, ...options) {
  return step({ title, log: 'qemu-build', progress }, async ({ run, log }) => {
    const main = join(repository, 'dist', 'cli', 'main.js');
    const named = source ? ['--source', source] : [];
    const args = [main, 'qemu', 'build', '--version', version, ...named, ...options];
    const exitCode = await run(process.execPath, args, { mayFail: true });
    if (exitCode === 0) return undefined;
    const [, error] = [...readFileSync(log, 'utf8').matchAll(/^error: (.*)$/gm)].at(-1) ?? [];
    if (notHere.has(exitCode)) return { missing: error, summary: 'not possible here' };
    throw new Error(`fakedirty qemu build ended with exit code ${exitCode}`);
  });
}

/** Builds what the tests need, and runs them; skips them all where it can't be built. */
export async function testQemu() {
  const switches = [...broken, crippled, ...(isLong ? brokenInLongRuns : [])].join(',');
  const patched = `qemu: building ${version} with the series`;
  const answer = await build(patched, '--tests', '--broken', switches);
  const tally = new Tally();
  if (answer?.missing) {
    tally.add({ name: 'qemu', outcome: 'skipped', reason: answer.missing });
    return tally;
  }
  // Of 7.2 the distribution's own is at hand.
  if (version !== '7.2') await build(`qemu: building ${version} without the series`, '--unpatched');
  if (isLong) await build(`qemu: building ${version} with sanitizers`, '--sanitize');
  tally.addAll(await testMachines());
  if (isLong) {
    tally.addAll(await testSanitizedMachines());
    tally.addAll(await testLong());
  }
  return tally;
}
