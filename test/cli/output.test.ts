// How commands speak: to programs, in colours or without, more or less of it.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { exitCodes } from '../../lib/cli/exit-codes.js';
import { wantsColour } from '../../lib/format/colours.js';
import { entryLine } from '../../lib/migration/recording.js';
import { packageRoot } from '../../lib/system/package-root.js';
import { busy, preCopy, recordingOf } from '../policy/simulation.js';

// Each call starts a Node.
vi.setConfig({ testTimeout: 60_000 });

const main = join(packageRoot, 'dist', 'cli', 'main.js');
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
  const { passes } = preCopy(busy, { count: 3 });
  const entries = recordingOf(busy, passes).entries.map(entryLine).join('');
  writeFileSync(join(folder, 'recording.jsonl'), entries);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Beside this process, which has to answer while commands run. */
function run(args: readonly string[], more: NodeJS.ProcessEnv = {}) {
  const { NO_COLOR, FORCE_COLOR, ...env } = process.env;
  const options = {
    env: { ...env, FAKEDIRTY_CACHE: join(folder, 'cache'), ...more },
    cwd: folder,
  };
  return new Promise<{ status: number; stdout: string; stderr: string }>((resolve) => {
    execFile(process.execPath, [main, ...args], options, (error, stdout, stderr) =>
      resolve({ status: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

const nowhere = ['--qmp', '/nowhere/vm.qmp'];

/** A command, its wrong use, and how that ends. */
const failures: [args: string[], code: string, exit: keyof typeof exitCodes][] = [
  [['migrate', ...nowhere, '--to', 'tcp:b:1'], 'ERR_QMP_CLOSED', 'no-qmp'],
  [['migrate', ...nowhere, '--to', 'tcp:b:1', '--hash', 'sha-256'], 'ERR_COMMAND_LINE', 'usage'],
  [['migrate', ...nowhere, '--to', 'tcp:b:1', '--verify'], 'ERR_COMMAND_LINE', 'usage'],
  [['migrate', ...nowhere, '--to', 'tcp:b:1', '--policy', 'luck'], 'ERR_POLICY', 'usage'],
  [
    ['migrate', ...nowhere, '--to', 'tcp:b:1', '--downtime', '3h'],
    'ERR_MIGRATION_REFUSED',
    'refused',
  ],
  [['migrate'], 'ERR_COMMAND_LINE', 'usage'],
  [['watch', ...nowhere], 'ERR_QMP_CLOSED', 'no-qmp'],
  [['replay', 'nothing'], 'ENOENT', 'failure'],
  [['replay', main], 'ERR_RECORDING', 'failure'],
  [['estimate', ...nowhere], 'ERR_QMP_CLOSED', 'no-qmp'],
  [['lab', 'run', 'nothing.yaml', '--no-report'], 'ERR_EXPERIMENT', 'failure'],
  [['lab', 'report', 'nothing'], 'ERR_RESULTS', 'failure'],
  [['lab', 'list', '--with', 'nothing'], 'ERR_ADDITIONS', 'failure'],
  [['qemu', 'build', '--source', '/nothing', '--no-install'], 'ERR_BUILD_NO_SOURCE', 'no-source'],
  [['qemu', 'path'], 'ERR_NOT_BUILT', 'not-built'],
  [['qemu', 'doctor', 'more'], 'ERR_COMMAND_LINE', 'usage'],
  [['completion', 'bsh'], 'ERR_COMMAND_LINE', 'usage'],
];

describe('an error with --json', () => {
  it.each(failures)(
    '%j is one object on standard output, with the exit code as ever',
    async (args, code, exit) => {
      const { status, stdout, stderr } = await run([...args, '--json']);
      expect(status).toBe(exitCodes[exit]);
      const lines = stdout.trimEnd().split('\n');
      expect(lines).toHaveLength(1);
      const { error } = JSON.parse(lines[0] ?? '');
      expect(error).toMatchObject({ code, exitCode: status });
      expect(error.message).toMatch(/\w/);
      expect(error.message).not.toMatch(/^error:/);
      expect(stderr).not.toContain('error:');
      expect(await run(args)).toMatchObject({ status });
    },
  );

  it('lists what is refused, as flags', async () => {
    const args = ['migrate', ...nowhere, '--to', 'tcp:b:1', '--downtime', '3h', '--multifd', '999'];
    const { error } = JSON.parse((await run([...args, '--json'])).stdout);
    expect(error.problems).toEqual([
      expect.stringMatching(/^--multifd: is 999; expected at most 255/),
      expect.stringMatching(
        /^--downtime: is 10800000 ms \(3 h\); expected at most 2000000 ms \(2000 s\)/,
      ),
    ]);
  });
});

describe('a result with --json', () => {
  it.each<[string[], (result: Record<string, unknown>) => unknown]>([
    [['replay', 'recording.jsonl'], ({ decisions }) => decisions],
    [
      ['lab', 'list'],
      ({ methods }) => (methods as { name: string }[]).find(({ name }) => name === 'plain'),
    ],
    [['completion', 'bash'], ({ script }) => String(script).includes('COMPREPLY')],
  ])('%j is one object', async (args, part) => {
    const { status, stdout, stderr } = await run([...args, '--json']);
    expect(status).toBe(exitCodes.ok);
    expect(stderr).toBe('');
    expect(part(JSON.parse(stdout))).toBeTruthy();
  });
});

describe('colours', () => {
  const wrong = ['replay', 'nothing'];
  const red = '\x1b[31merror:\x1b[39m';

  it.each<[string, string[], NodeJS.ProcessEnv, boolean]>([
    ['are not written where no terminal is', [], {}, false],
    ['are written when they are asked for', [], { FORCE_COLOR: '1' }, true],
    ['are not written when they are forbidden', [], { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
    ['are not written with --no-color', ['--no-color'], { FORCE_COLOR: '1' }, false],
    ['are not written into JSON', ['--json'], { FORCE_COLOR: '1' }, false],
  ])('%s', async (_, args, env, isRed) => {
    const { stdout, stderr } = await run([...wrong, ...args], env);
    expect(stderr.includes(red)).toBe(isRed);
    expect((stdout + stderr).includes('\x1b')).toBe(isRed);
    const usage = await run(['migrate', '--nonsense', ...args], env);
    expect((usage.stdout + usage.stderr).includes('\x1b')).toBe(isRed);
  });

  it('depend on the terminal unless the environment decides', () => {
    expect(wantsColour(true, {})).toBe(true);
    expect(wantsColour(true, { TERM: 'dumb' })).toBe(false);
    expect(wantsColour(true, { NO_COLOR: '' })).toBe(true);
    expect(wantsColour(true, { FORCE_COLOR: '0' })).toBe(false);
    expect(wantsColour(false, { FORCE_COLOR: '' })).toBe(true);
  });
});

it('qemu build says only how it ended with --quiet', async () => {
  const tree = ['qemu', 'build', '--source', folder, '--no-install', '--version', '7.2'];
  const { stdout, stderr } = await run([...tree, '--quiet']);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/^error: QEMU 7\.2: /);
});
