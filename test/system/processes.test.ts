// How commands are run, and what is said of one that fails; and what runs beside this process.
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startCompanion } from '../../lib/system/companion.js';
import { packageRoot } from '../../lib/system/package-root.js';
import { CommandError, outputOf, run, runGroup, runSync } from '../../lib/system/processes.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const failing = ['-c', 'echo some; echo why >&2; exit 3'];

function caught(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('it did not throw');
}

const ways = [
  {
    name: 'run',
    call: async (command: string, args: string[], options = {}) => run(command, args, options),
  },
  {
    name: 'runSync',
    call: (command: string, args: string[], options = {}) =>
      new Promise((resolve) => resolve(runSync(command, args, options))),
  },
];

describe.each(ways)('$name', ({ call }) => {
  it('returns what a command wrote, without the last line feed', async () => {
    const script = 'printf "a\\n\\n"; echo b >&2';
    expect(await call('sh', ['-c', script])).toEqual({ stdout: 'a\n', stderr: 'b' });
  });

  it('gives it input, a folder, and variables beside those of this process', async () => {
    const options = { input: 'in', cwd: directory, env: { ADDED: 'yes', HOME: undefined } };
    const script =
      'cat; pwd; printenv ADDED; printenv HOME || echo gone; test -n "$PATH" && echo path';
    expect(await call('sh', ['-c', script], options)).toMatchObject({
      stdout: `in${directory}\nyes\ngone\npath`,
    });
  });

  it('says how a command failed and what it wrote', async () => {
    const error = await call('sh', failing).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(CommandError);
    expect(error).toMatchObject({
      code: 'ERR_COMMAND',
      message: 'sh ended with exit code 3: why',
      exitCode: 3,
      signal: null,
      stdout: 'some',
      stderr: 'why',
    });
  });

  it('says which signal ended a command', async () => {
    await expect(call('sh', ['-c', 'kill -9 $$'])).rejects.toMatchObject({
      message: 'sh ended with SIGKILL',
      exitCode: null,
      signal: 'SIGKILL',
    });
  });

  it('says that a command is not there', async () => {
    await expect(call('/no/such/program', [])).rejects.toMatchObject({
      code: 'ERR_COMMAND',
      message: expect.stringMatching(/^\/no\/such\/program cannot be run: .*ENOENT/),
      exitCode: null,
    });
  });
});

describe('outputOf', () => {
  it('is undefined when a command fails or is not there', () => {
    expect(outputOf('echo', 'a')).toBe('a');
    expect(outputOf('false')).toBeUndefined();
    expect(outputOf('/no/such/program')).toBeUndefined();
    expect(caught(() => runSync('false', []))).toBeInstanceOf(CommandError);
  });
});

describe('a group', () => {
  it('writes into the file that it is given, and says how it ended', async () => {
    const log = join(directory, 'log');
    const descriptor = openSync(log, 'w');
    const end = await runGroup('sh', failing, { stdio: ['ignore', descriptor, descriptor] });
    closeSync(descriptor);
    expect(end).toEqual({ exitCode: 3, signal: null });
    expect(readFileSync(log, 'utf8')).toBe('some\nwhy\n');
  });

  it('ends with its first process, whatever that has left behind', async () => {
    const mark = join(directory, 'pid');
    const script = `sleep 600 & echo $! > ${mark}`;
    await runGroup('sh', ['-c', script], { stdio: ['ignore', 'ignore', 'ignore'] });
    const left = `/proc/${readFileSync(mark, 'utf8').trim()}/status`;
    await vi.waitFor(() => {
      expect(existsSync(left) ? readFileSync(left, 'utf8') : 'State:\tZ').toMatch(/^State:\tZ/m);
    });
  });

  it('that cannot begin is an error', async () => {
    const begun = runGroup('/no/such/program', [], { stdio: ['ignore', 'ignore', 'ignore'] });
    await expect(begun).rejects.toThrow(CommandError);
  });
});

describe('a companion', () => {
  it('is heard line by line, is given input, and says its last words', async () => {
    const lines: string[] = [];
    const script = 'while read -r word; do echo "heard $word"; done; echo bye >&2; exit 4';
    const { stdin, ended } = await startCompanion(['sh', '-c', script], {
      stdin: 'pipe',
      onLine: (line) => lines.push(line),
    });
    stdin?.end('one\ntwo\n');
    const { output, ...end } = await ended;
    expect(end).toEqual({ exitCode: 4, signal: null });
    expect(lines).toEqual(['heard one', 'heard two']);
    expect(output.split('\n').sort()).toEqual(['bye', 'heard one', 'heard two']);
  });

  it('keeps the end of what it writes, not all of it', async () => {
    const { ended } = await startCompanion(['seq', '1', '100000']);
    const { output } = await ended;
    expect(output).toMatch(/\n99999\n100000$/);
    expect(output.length).toBeLessThanOrEqual(20_000);
  });

  it('is out of reach of Ctrl-C: it is in a session of its own', async () => {
    const { pid, kill, ended } = await startCompanion(['sleep', '600']);
    const { stdout } = await run('ps', ['-o', 'sid=', '-p', String(pid)]);
    expect(Number(stdout)).toBe(pid);
    kill('SIGTERM');
    expect(await ended).toMatchObject({ signal: 'SIGTERM' });
  });

  it('dies with the process that started it, even if that is killed at once', async () => {
    const companions = 10;
    // A moment after it has been started it may not have been tied to this process yet.
    const program = `
      import { writeSync } from 'node:fs';
      import { startCompanion } from '${packageRoot}/dist/system/companion.js';
      for (let i = 1; i < ${companions}; i++) writeSync(1, (await startCompanion(['sleep', '600'])).pid + '\\n');
      writeSync(1, String((await startCompanion(['sleep', '600'])).pid));
      process.kill(process.pid, 'SIGKILL');
    `;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
      encoding: 'utf8',
    });
    const pids = stdout.split('\n');
    expect(pids).toHaveLength(companions);
    const isDead = (pid: string) =>
      !existsSync(`/proc/${pid}`) ||
      /^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
    while (!pids.every(isDead)) await pause(10);
  });
});
