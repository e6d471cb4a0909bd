// What a process does that is told to end: while it builds, while it migrates, while it does both, and by npm's shell.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packageRoot } from '../../lib/system/package-root.js';
import { signalExitCodes } from '../../lib/system/signals.js';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A second signal that comes sooner is the first one, passed on. */
const nextPressMs = 200;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const imports = `
  import { writeSync } from 'node:fs';
  import { setTimeout as pause } from 'node:timers/promises';
  import { runGroup } from '${packageRoot}/dist/system/processes.js';
  import { endGracefully, undoAtExit } from '${packageRoot}/dist/system/signals.js';
  const say = (text) => writeSync(1, text + '\\n');
  const build = (script) => runGroup('sh', ['-c', script], { stdio: ['ignore', 'ignore', 'ignore'] });
`;

/** A build whose shell writes its number where the test finds it, and leaves a grandchild. */
function buildScript(trap = ''): string {
  const mark = join(directory, 'pid');
  // Once the grandchild is gone there is nothing to wait for: the shell ends, and can't spin.
  return `${trap} sleep 600 & pid=$!; echo $pid > ${mark}.part; mv ${mark}.part ${mark}; while kill -0 $pid 2>/dev/null; do wait $pid; done`;
}

/** A migration that ends a moment after it was told to, and says so. */
const migrationThatTakes = (ms: number) => `
  const abort = new AbortController();
  const release = endGracefully({
    end: (signal) => { say('cancelling for ' + signal); abort.abort(); },
    abandon: () => say('abandoned'),
  });
  const migration = async () => {
    say('migrating');
    await pause(600_000, undefined, { signal: abort.signal }).catch(() => {});
    await pause(${ms});
    say('cancelled');
    release();
  };
`;
const migration = migrationThatTakes(300);
/** Long enough for another signal to come meanwhile. */
const longMigration = migrationThatTakes(20_000);

interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; signal: string | null; lines: string[] }>;
  said(line: string): Promise<void>;
}

function start(program: string): Running {
  const args = ['--input-type=module', '--eval', imports + program];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (more: string) => {
    text += more;
  });
  const lines = () => text.split('\n').filter(Boolean);
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, lines: lines() }));
  const said = async (line: string) => {
    while (!lines().includes(line)) {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`it said ${text}`);
      await pause(10);
    }
  };
  return { child, ended, said };
}

/** The grandchild of the build, once it is there. */
async function grandchild(): Promise<string> {
  const mark = join(directory, 'pid');
  while (!existsSync(mark)) await pause(10);
  return `/proc/${readFileSync(mark, 'utf8').trim()}`;
}

/** It has been killed; that the system has buried it as well is no event for us. */
async function gone(process: string): Promise<void> {
  const isDead = () =>
    !existsSync(process) || /^State:\tZ/m.test(readFileSync(`${process}/status`, 'utf8'));
  while (!isDead()) await pause(10);
}

describe('a module', () => {
  it('listens to no signal because it is imported', async () => {
    const { ended } = start(`
      const names = ['SIGINT', 'SIGTERM', 'SIGHUP', 'exit'];
      const count = () => say(names.map((name) => process.listenerCount(name)).join());
      // Some versions of Node listen to the exit of a module that is awaited.
      count();
      await import('${packageRoot}/dist/index.js');
      await import('${packageRoot}/dist/cli/session.js');
      await import('${packageRoot}/dist/qemu/compile/build.js');
      count();
    `);
    const [before, after] = (await ended).lines;
    expect(before).toMatch(/^0,0,0,[01]$/);
    expect(after).toBe(before);
  });

  it('listens only while something is registered', async () => {
    const { ended } = start(`
      const count = () => say(String(process.listenerCount('SIGINT')));
      const cancel = undoAtExit(() => say('undone'));
      count();
      cancel();
      count();
      await build('true');
      count();
    `);
    expect((await ended).lines).toEqual(['1', '0', '0']);
  });
});

describe('a process that builds', () => {
  it.each(signals)('stops the build and everything under it, and exits, at %s', async (signal) => {
    const { child, ended } = start(`
      undoAtExit(() => say('undone'));
      await build(${JSON.stringify(buildScript())});
      say('the build has ended');
    `);
    const deep = await grandchild();
    child.kill(signal);
    const { code, lines } = await ended;
    expect(code).toBe(signalExitCodes[signal]);
    expect(lines).toEqual([`stopping (${signal}) ...`, 'undone']);
    await gone(deep);
  });

  it('kills a build that does not stop when it is asked to', async () => {
    const { child, ended } = start(`await build(${JSON.stringify(buildScript("trap '' TERM;"))});`);
    const deep = await grandchild();
    child.kill('SIGTERM');
    expect((await ended).code).toBe(143);
    await gone(deep);
  });

  it('exits at once when it is told a second time', async () => {
    // The build has all the time in the world to stop: only the second signal ends this.
    const { child, ended, said } = start(`
      const { setTimeout: inTime } = globalThis;
      globalThis.setTimeout = (late, ms, ...args) => inTime(late, ms >= 1000 ? 600_000 : ms, ...args);
      await build(${JSON.stringify(buildScript("trap '' TERM;"))});
    `);
    const deep = await grandchild();
    child.kill('SIGINT');
    await said('stopping (SIGINT) ...');
    await pause(nextPressMs);
    child.kill('SIGINT');
    expect((await ended).code).toBe(130);
    await gone(deep);
  });

  it.each(['once', 'twice'])(
    'leaves nothing of a build that another process of ours runs for it, when it is told %s',
    async (times) => {
      const inner = `${imports}
        await build(${JSON.stringify(buildScript("trap '' TERM;"))});
      `;
      const { child, ended, said } = start(`
        const inner = ${JSON.stringify(inner)};
        const stdio = ['ignore', 'ignore', 'ignore'];
        await runGroup(process.execPath, ['--input-type=module', '--eval', inner], { stdio });
      `);
      const deep = await grandchild();
      child.kill('SIGINT');
      if (times === 'twice') {
        await said('stopping (SIGINT) ...');
        await pause(nextPressMs);
        child.kill('SIGINT');
      }
      expect((await ended).code).toBe(130);
      await gone(deep);
    },
  );

  it('stops when the shell that npm started for it has died', async () => {
    const program = `${imports}await build(${JSON.stringify(buildScript())});`;
    const shell = spawn(
      'sh',
      ['-c', '"$0" --input-type=module --eval "$1"; true', process.execPath, program],
      {
        env: { ...process.env, npm_lifecycle_event: 'test' },
        stdio: 'ignore',
      },
    );
    const deep = await grandchild();
    shell.kill('SIGTERM');
    await gone(deep);
  });
});

describe('a process that migrates', () => {
  it.each(signals)('cancels at %s, in its own time, and undoes the rest last', async (signal) => {
    const { child, ended, said } = start(`${migration}
      undoAtExit(() => say('undone'));
      await migration();
      process.exitCode = 130;
    `);
    await said('migrating');
    child.kill(signal);
    const { code, lines } = await ended;
    expect(code).toBe(130);
    expect(lines).toEqual(['migrating', `cancelling for ${signal}`, 'cancelled', 'undone']);
  });

  it('exits at once when it is told a second time, and says what it leaves', async () => {
    const { child, ended, said } = start(`${longMigration}
      undoAtExit(() => say('undone'));
      await migration();
    `);
    await said('migrating');
    child.kill('SIGINT');
    await said('cancelling for SIGINT');
    await pause(nextPressMs);
    child.kill('SIGINT');
    const { code, lines } = await ended;
    expect(code).toBe(130);
    expect(lines.slice(-2)).toEqual(['abandoned', 'undone']);
  });

  it.each([
    ['a Ctrl-C that npm passes on', 'SIGINT', 'SIGINT', 0],
    ['a lost terminal that the shell tells of too', 'SIGHUP', 'SIGHUP', 300],
  ] as const)(
    'takes nothing for a second signal that nobody sent on purpose: %s',
    async (_, first, second, gapMs) => {
      const { child, ended, said } = start(`${migration} await migration();`);
      await said('migrating');
      child.kill(first);
      await said(`cancelling for ${first}`);
      if (gapMs > 0) await pause(gapMs);
      child.kill(second);
      expect((await ended).lines).toEqual(['migrating', `cancelling for ${first}`, 'cancelled']);
    },
  );

  it('goes on after a signal that does not matter to it, and is cancelled by the next', async () => {
    const { child, ended, said } = start(`
      const abort = new AbortController();
      const release = endGracefully({
        end: (signal) => { say(signal); if (signal === 'SIGHUP') return false; abort.abort(); },
        abandon: () => say('abandoned'),
      });
      say('migrating');
      await pause(600_000, undefined, { signal: abort.signal }).catch(() => {});
      await pause(300);
      say('cancelled');
      release();
    `);
    await said('migrating');
    child.kill('SIGHUP');
    await said('SIGHUP');
    child.kill('SIGTERM');
    const { lines } = await ended;
    expect(lines).toEqual(['migrating', 'SIGHUP', 'SIGTERM', 'cancelled']);
  });

  it('can be told to cancel again, another time', async () => {
    const { child, ended, said } = start(`${migration}
      await migration();
      const next = endGracefully({ end: () => { say('cancelling the next'); next(); } });
      say('migrating again');
      await pause(600_000);
    `);
    await said('migrating');
    child.kill('SIGINT');
    await said('migrating again');
    child.kill('SIGINT');
    await said('cancelling the next');
    child.kill('SIGKILL');
    await ended;
  });
});

describe('a process that migrates and builds', () => {
  it('stops the build, tells its user so, and cancels the migration in its own time', async () => {
    const { child, ended } = start(`${migration}
      const moving = migration();
      const { signal } = await build(${JSON.stringify(buildScript())});
      say('the build ended by ' + signal);
      await moving;
      process.exitCode = 130;
    `);
    const deep = await grandchild();
    child.kill('SIGTERM');
    const { code, lines } = await ended;
    expect(code).toBe(130);
    expect(lines).toEqual([
      'migrating',
      'cancelling for SIGTERM',
      'the build ended by SIGTERM',
      'cancelled',
    ]);
    await gone(deep);
  });

  it('exits at once when it is told a second time', async () => {
    const { child, ended, said } = start(`${longMigration}
      undoAtExit(() => say('undone'));
      const moving = migration();
      await build(${JSON.stringify(buildScript("trap '' TERM;"))});
    `);
    const deep = await grandchild();
    child.kill('SIGINT');
    await said('cancelling for SIGINT');
    await pause(nextPressMs);
    child.kill('SIGTERM');
    const { code, lines } = await ended;
    expect(code).toBe(143);
    expect(lines.slice(-2)).toEqual(['abandoned', 'undone']);
    await gone(deep);
  });
});

describe('a process that has only something to undo', () => {
  it.each(signals)('undoes it and dies of %s, as if nobody had listened', async (signal) => {
    const { child, ended, said } = start(`
      undoAtExit(() => say('first made, last undone'));
      undoAtExit(() => { throw new Error('broken'); });
      undoAtExit(() => say('last made, first undone'));
      say('ready');
      await pause(600_000);
    `);
    await said('ready');
    child.kill(signal);
    const { lines, ...end } = await ended;
    expect(end).toEqual({ code: null, signal });
    expect(lines).toEqual(['ready', 'last made, first undone', 'first made, last undone']);
  });

  it('leaves the rest to whoever else listens', async () => {
    const { child, ended, said } = start(`
      undoAtExit(() => say('undone'));
      process.once('SIGTERM', () => { say('mine'); process.exit(7); });
      say('ready');
      await pause(600_000);
    `);
    await said('ready');
    child.kill('SIGTERM');
    const { code, lines } = await ended;
    expect(code).toBe(7);
    expect(lines).toEqual(['ready', 'undone', 'mine']);
  });
});
