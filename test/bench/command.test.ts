// The command itself, on as little as it can be asked to measure.
import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRun, runAsJson, runFromJson } from '../../bench/results/run-file.js';
import { packageRoot } from '../../lib/system/package-root.js';
import { row, run } from './runs.js';

const script = join(packageRoot, 'scripts', 'run.mjs');
const compiled = join(packageRoot, 'build', 'compiled', 'current', 'bench', 'main.js');
const made = row({ algorithm: 'crc32', package: 'crc-32', mode: 'page' });
const little = ['--quick', '--rounds', '1', '--algorithms', 'crc32'];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fakedirty-bench-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function start(program: string, args: readonly string[], output: 'pipe' | number = 'pipe') {
  const child = spawn(process.execPath, [program, ...args], {
    cwd: folder,
    stdio: ['ignore', output, 'pipe'],
    env: { ...process.env, INIT_CWD: folder },
  });
  const said = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said.stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said.stderr += text;
  });
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    child.once('close', (code) => resolve({ code, ...said }));
  });
  return { child, ended };
}

function childrenOf(pid: number): number[] {
  const list = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return list.trim().split(' ').filter(Boolean).map(Number);
}

describe('npm run bench', () => {
  it('sets itself up, measures, and writes results that can be compared with', async () => {
    const out = join(folder, 'results');
    writeFileSync(join(folder, 'before.json'), runAsJson(run({ rows: [made] })));
    const args = [...little, '--json', '--out', out, '--compare', 'before.json'];
    const { code, stdout, stderr } = await start(script, ['bench', ...args]).ended;
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stderr).toMatch(/digests compared, all equal/);
    expect(stderr).toMatch(/^crc32 +crc-32 .* too few rounds$/m);
    expect(readdirSync(out).sort()).toEqual(['bench.csv', 'bench.json', 'bench.png', 'bench.svg']);
    const found = readRun(join(out, 'bench.json'));
    expect(runFromJson(stdout)).toEqual(found);
    const measured = found.rows.map(({ package: from, mode }) => `${from}, ${mode}`);
    expect(measured).toEqual(
      expect.arrayContaining(['fakedirty, batch', 'fakedirty, page', 'crc-32, page']),
    );
    expect(found.settings).toMatchObject({ quick: true, rounds: 1 });
  });

  it('leaves neither a process nor a file when it is stopped', async () => {
    const out = join(folder, 'stopped');
    const { child, ended } = start(compiled, ['--out', out]);
    const pid = child.pid ?? 0;
    let cases: number[] = [];
    while (cases.length === 0 && child.exitCode === null) {
      await pause(20);
      cases = childrenOf(pid);
    }
    child.kill('SIGTERM');
    const { code, stderr } = await ended;
    expect(code).toBe(143);
    expect(stderr).toMatch(/stopped by SIGTERM; nothing was written/);
    expect(readdirSync(out)).toEqual([]);
    // Killed, and handed on to be reaped.
    for (const each of cases) {
      const status = existsSync(`/proc/${each}`) && readFileSync(`/proc/${each}/status`, 'utf8');
      expect(status || 'State:\tZ').toMatch(/^State:\tZ/m);
    }
  });

  it('names what is wrong before it does anything', async () => {
    const garbled = join(folder, 'garbled.json');
    writeFileSync(garbled, '{"format": "fakedirty-bench-1"');
    const device = openSync('/dev/full', 'w');
    const [misspelled, compare, unwritable, unread] = await Promise.all([
      start(compiled, ['--algorithms', 'sha-1']).ended,
      start(compiled, ['--compare', garbled, '--out', 'never']).ended,
      start(compiled, ['--out', join(garbled, 'below')]).ended,
      start(compiled, ['--help'], device).ended,
    ]);
    closeSync(device);
    expect(unread).toMatchObject({ code: 1 });
    expect(unread.stderr).toMatch(/^bench: standard output can't be written \(ENOSPC.*\)\n$/);
    expect(misspelled).toMatchObject({ code: 2, stdout: '' });
    expect(misspelled.stderr).toMatch(/--algorithms: is 'sha-1'.*Did you mean 'sha1'\?/);
    expect(compare).toMatchObject({ code: 2, stdout: '' });
    expect(compare.stderr).toMatch(/garbled\.json is not such a file: it is not JSON/);
    expect(existsSync(join(folder, 'never'))).toBe(false);
    expect(unwritable).toMatchObject({ code: 2, stdout: '' });
    expect(unwritable.stderr).toMatch(/--out: nothing can be written in/);
  });
});
