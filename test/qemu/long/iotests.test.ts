// QEMU's own tests of disks that move with their guest or are saved with it, with the filter forced on from the
// command line and with it off: what passes with a build without the series passes.
import { execFile, spawnSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, type TestContext } from 'vitest';
import { findQemu, needQemu, testedVersion } from '../../harness/requirements.js';
import { removeMs, type Unpacked, unpackTested } from '../../harness/unpacked-qemu.js';

const timeout = 30 * 60_000;

const tools = ['qemu-img', 'qemu-io', 'qemu-nbd', 'qemu-storage-daemon'] as const;

function pathOf(tool: string): string {
  return spawnSync('sh', ['-c', 'command -v "$0"', tool], { encoding: 'utf8' }).stdout.trim();
}

/** The tests find programs by these names. */
function toolsInEnvironment(context: TestContext): Record<string, string> {
  const missing = tools.filter((tool) => !pathOf(tool));
  if (missing.length > 0) context.skip(`needs ${missing.join(', ')}: the package qemu-utils`);
  const [img, io, nbd, daemon] = tools.map(pathOf) as [string, string, string, string];
  return {
    ...{ QEMU_IMG_PROG: img, QEMU_IO_PROG: io },
    ...{ QEMU_NBD_PROG: nbd, QSD_PROG: daemon },
  };
}

let unpacked: Unpacked | undefined;
let work: string;
let directory: string;

beforeAll(async () => {
  unpacked = await unpackTested('iotests');
  ({ work } = unpacked);
  directory = join(unpacked.tree, 'tests', 'qemu-iotests');
}, timeout);
afterAll(() => unpacked?.remove(), removeMs);

/** Those that migrate, or save a guest's memory. */
function testsThatMove(): string[] {
  const numbered = readdirSync(directory).filter((name) => /^\d{3}$/.test(name));
  const named = readdirSync(join(directory, 'tests')).filter((name) => !name.includes('.'));
  return [...numbered, ...named.map((name) => join('tests', name))]
    .filter((path) => /migrate|savevm/.test(readFileSync(join(directory, path), 'utf8')))
    .map((path) => path.replace('tests/', ''));
}

/** A program that is this QEMU with these arguments before all others, under a name of its own. */
function withArguments(binary: string, args: readonly string[]): string {
  const path = join(work, 'qemu-system-x86_64');
  writeFileSync(path, `#!/bin/bash\nexec -a "$0" ${binary} ${args.join(' ')} "$@"\n`);
  chmodSync(path, 0o755);
  return path;
}

/**
 * With the filter on these may fail. 7.2's 194 expects an event of post-copy that, as 8.1's own version says, comes only
 * where bitmaps are too much for the downtime.
 */
const mayFailWithFilter = testedVersion === '7.2' ? ['194'] : [];

interface Outcome {
  readonly passed: string[];
  readonly output: string;
}

function run(binary: string, args: readonly string[], env: Record<string, string>) {
  const QEMU_PROG = withArguments(binary, args);
  const options = { cwd: directory, env: { ...process.env, ...env, QEMU_PROG }, timeout };
  return new Promise<Outcome>((resolve, reject) => {
    const check = ['-qcow2', ...testsThatMove()];
    execFile('./check', check, { ...options, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      if (error?.killed) reject(new Error(`The iotests did not end in time: ${stdout}`));
      const lines = stdout.split(/[\r\n]+/);
      const passed = lines.flatMap((line) => /^(\S+) +pass /.exec(line)?.[1] ?? []);
      resolve({ passed: passed.sort(), output: `${stdout}\n${stderr}`.slice(-20_000) });
    });
  });
}

let expected: Outcome | undefined;

it.for([
  ['off', []],
  ['on', ['filter=on']],
] as const)(
  'with the filter %s, every iotest passes that passes on an unpatched QEMU',
  { timeout: 2 * timeout },
  async ([, globals], context) => {
    const env = toolsInEnvironment(context);
    const { binary } = needQemu(context);
    // The distribution's own can't be driven by these tests.
    const other = findQemu(testedVersion, true);
    if (!other) {
      const command = `fakedirty qemu build --version ${testedVersion} --unpatched`;
      context.skip(`needs what "${command}" builds`);
      return;
    }
    expected ??= await run(other.binary, [], env);
    const options = globals.flatMap((global) => ['-global', `migration.x-fake-dirty-${global}`]);
    const { passed, output } = await run(binary, options, env);
    // Some depend on how fast the machine is, and may fail in either.
    const excused = globals.length > 0 ? mayFailWithFilter : [];
    expect(
      expected.passed.filter((name) => ![...passed, ...excused].includes(name)),
      output,
    ).toEqual([]);
    expect(expected.passed.length).toBeGreaterThan(10);
  },
);
