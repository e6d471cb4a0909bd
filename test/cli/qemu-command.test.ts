// The command line as users see it: exit codes, messages, and what is left behind.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exitCodes } from '../../lib/cli/exit-codes.js';
import { libraryDigest } from '../../lib/qemu/compile/library.js';
import { readSeries } from '../../lib/qemu/compile/series.js';
import { packageRoot } from '../../lib/system/package-root.js';

const main = join(packageRoot, 'dist', 'cli', 'main.js');

let directory: string;
let cache: string;
let env: NodeJS.ProcessEnv;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
  cache = join(directory, 'cache');
  env = { ...process.env, FAKEDIRTY_CACHE: cache };
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function fakedirty(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    env,
    encoding: 'utf8',
  });
  return { status, output: stdout + stderr };
}

/** A tree that says it is that QEMU, and holds nothing else but what is given. */
function tree(version: string, files: Record<string, string> = {}): string {
  const path = join(directory, 'tree');
  mkdirSync(path);
  for (const [name, text] of Object.entries({ VERSION: `${version}\n`, ...files })) {
    writeFileSync(join(path, name), text, { mode: 0o755 });
  }
  return path;
}

function contentsOf(path: string): string[] {
  return readdirSync(path, { recursive: true }).map(String).sort();
}

describe('fakedirty', () => {
  it.each([[], ['qemu'], ['qemu', 'build'], ['qemu', 'path'], ['qemu', 'doctor']])(
    'explains "%s %s"',
    (...words) => {
      const { status, output } = fakedirty(...words, '--help');
      expect(status).toBe(exitCodes.ok);
      expect(output).toMatch(/^Usage: fakedirty/);
    },
  );

  it.each([
    [['qemu', 'build', '--version', '6.0'], /8\.1, 7\.2/],
    [['qemu', 'build', '--jobs', 'many'], /whole number/],
    [['qemu', 'build', '--target-list', 'x86'], /x86_64-softmmu/],
    [['qemu', 'built'], /unknown command/],
  ])('refuses %j', (args, message) => {
    const { status, output } = fakedirty(...args);
    expect(status).toBe(exitCodes.usage);
    expect(output).toMatch(message);
  });
});

const program = 'bin/qemu-system-x86_64';

/** A build as another checkout leaves it in the cache. */
function buildElsewhere(name: string, record: object): string {
  const built = join(cache, 'builds', `qemu-${name}`);
  mkdirSync(built, { recursive: true });
  const common = {
    ...{ version: '7.2', fullVersion: '7.2.22', source: 'here', options: [], compiler: 'cc 1' },
    ...{ programs: { 'x86_64-softmmu': program }, seconds: 1, builtAt: '2026-01-01' },
  };
  writeFileSync(join(built, 'fakedirty-build.json'), JSON.stringify({ ...common, ...record }));
  return join(built, program);
}

describe('fakedirty qemu doctor', () => {
  it('tries accelerators with a build that has no sanitizers', () => {
    const path = buildElsewhere('7.2-a', { series: null });
    buildElsewhere('7.2-b', { series: null, sanitized: true, builtAt: '2026-02-01' });
    const { output } = fakedirty('qemu', 'doctor', '--json');
    expect(JSON.parse(output)).toMatchObject({ triedWith: path });
  });
});

describe('fakedirty qemu path', () => {
  it('has the same default version as all other commands, one that needs no download', () => {
    for (const command of [
      ['qemu', 'build'],
      ['qemu', 'path'],
      ['lab', 'run'],
    ]) {
      const { output } = fakedirty(...command, '--help');
      expect(output.replaceAll(/\s+/g, ' ')).toMatch(/default: 7\.2/);
    }
    expect(fakedirty('qemu', 'build', '--help').output.replaceAll(/\s+/g, ' ')).toMatch(
      /default: 7\.2, which can be built anywhere with Debian's packages; 8\.1 needs the release/,
    );
    expect(fakedirty('qemu', 'path').output).toMatch(/QEMU 7\.2 has not been built here/);
  });

  it('finds what this package has built where it was installed before', () => {
    const series = readSeries(join(packageRoot, 'qemu-patches'), '7.2').digest;
    const library = libraryDigest('cc 1');
    const path = buildElsewhere('7.2-a', { series, library });
    buildElsewhere('7.2-b', { series: 'other', library, builtAt: '2026-02-01' });
    buildElsewhere('7.2-c', { series, library: 'other', builtAt: '2026-02-01' });
    buildElsewhere('7.2-d', { series, library, sanitized: true, builtAt: '2026-02-01' });
    expect(fakedirty('qemu', 'path')).toEqual({ status: exitCodes.ok, output: `${path}\n` });
    const unpatched = buildElsewhere('7.2-e', { series: null });
    expect(fakedirty('qemu', 'path', '--unpatched').output).toBe(`${unpatched}\n`);
  });

  it.runIf(process.getuid?.() === 0)('says under sudo whose builds it looked for', () => {
    const home = join(directory, 'home');
    env = { ...process.env, FAKEDIRTY_CACHE: '', XDG_CACHE_HOME: home, SUDO_USER: 'alice' };
    const { output } = fakedirty('qemu', 'path');
    expect(output).toContain(
      `looked for in ${join(home, 'fakedirty')}, and not in the cache of alice`,
    );
    expect(output).toContain('--qemu "$(fakedirty qemu path)"');
  });

  it('says that the cache can be nowhere but in a folder of its user', () => {
    env = { ...env, FAKEDIRTY_CACHE: '/proc/x' };
    const { status, output } = fakedirty('qemu', 'path');
    expect(status).toBe(exitCodes.failure);
    expect(output).toMatch(/error: The cache can't be made \(ENOENT.*Set FAKEDIRTY_CACHE to/);
  });

  it('says how to build what has not been built', () => {
    const { status, output } = fakedirty('qemu', 'path', '--version', '7.2', '--unpatched');
    expect(status).toBe(exitCodes['not-built']);
    expect(output).toMatch(/fakedirty qemu build --version 7\.2 --unpatched/);
  });
});

describe('fakedirty qemu build', () => {
  const unpatched = [
    'qemu',
    'build',
    '--version',
    '7.2',
    '--unpatched',
    '--no-install',
    '--source',
  ];

  it('names a source that is not there', () => {
    const { status, output } = fakedirty(...unpatched, '/nowhere/qemu.tar.xz');
    expect(status).toBe(exitCodes['no-source']);
    expect(output).toMatch(/\/nowhere\/qemu\.tar\.xz/);
  });

  it('refuses another version, and says which it is', () => {
    const { status, output } = fakedirty(...unpatched, tree('8.0.4'));
    expect(status).toBe(exitCodes['no-source']);
    expect(output).toMatch(/QEMU 8\.0\.4.*asks for 7\.2/);
  });

  it('leaves the tree as it was when the series does not apply, and names patch and version', () => {
    const path = tree('7.2.99');
    const before = contentsOf(path);
    const { status, output } = fakedirty(
      ...unpatched.filter((word) => word !== '--unpatched'),
      path,
    );
    expect(status).toBe(exitCodes['series-does-not-apply']);
    expect(output).toMatch(/7\.2\.99: 0001-\S+\.patch fails on/);
    expect(contentsOf(path)).toEqual(before);
    expect(contentsOf(join(cache, 'building'))).toEqual([]);
  });

  it('shows the end of the log when configuring fails, and leaves nothing half done', () => {
    const configure = '#!/bin/sh\necho the compiler is tired\nexit 1\n';
    const { status, output } = fakedirty(...unpatched, tree('7.2.99', { configure }));
    expect(status).toBe(exitCodes.compilation);
    expect(output).toMatch(/\| the compiler is tired/);
    expect(contentsOf(join(cache, 'building'))).toEqual([]);
    expect(contentsOf(join(cache, 'builds'))).toEqual([]);
  });

  it('says that the disk is full when it is', () => {
    const configure = '#!/bin/sh\necho cannot write: No space left on device\nexit 1\n';
    const { status, output } = fakedirty(...unpatched, tree('7.2.99', { configure }));
    expect(status).toBe(exitCodes['disk-full']);
    expect(output).toMatch(/disk is full.*cache/);
  });

  it('leaves neither processes nor files behind when it is interrupted', async () => {
    const mark = join(directory, 'pid');
    const configure = `#!/bin/sh\nsleep 600 & echo $! > ${mark}.part; mv ${mark}.part ${mark}; wait\n`;
    const child = spawn(process.execPath, [main, ...unpatched, tree('7.2.99', { configure })], {
      env,
      stdio: 'ignore',
    });
    const exit = once(child, 'exit');
    while (!existsSync(mark)) await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill('SIGINT');
    expect((await exit)[0]).toBe(130);
    // It has been killed; that the system has buried it as well is no event for us.
    const grandchild = `/proc/${readFileSync(mark, 'utf8').trim()}`;
    while (existsSync(grandchild)) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(contentsOf(join(cache, 'building'))).toEqual([]);
  });
});
