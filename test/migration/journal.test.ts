// The journal of a migration, and who may go on with it.
import { spawn } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JournalError, parseJournal } from '../../lib/migration/journal.js';
import { type FoundJournal, JournalDirectory } from '../../lib/migration/journal-directory.js';
import { startMigration } from '../../lib/migration/migrate.js';
import type { MigrateOptions } from '../../lib/migration/options.js';
import { takeOver } from '../../lib/migration/take-over.js';
import type { QmpClient } from '../../lib/qmp/client.js';
import { identityOf, isAlive } from '../../lib/system/owner.js';
import { FakeQemu } from '../qmp/fake-qemu.js';
import { ScriptedQemu } from './scripted-qemu.js';

let qemu: FakeQemu;
let script: ScriptedQemu;
let folder: string;
let directory: JournalDirectory;
const opened: Disposable[] = [];

beforeEach(async () => {
  qemu = new FakeQemu();
  await qemu.listen();
  script = new ScriptedQemu(qemu);
  script.obey();
  folder = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
  directory = new JournalDirectory(join(folder, 'journals'));
});
afterEach(async () => {
  for (const file of opened.splice(0)) file[Symbol.dispose]();
  await qemu.close();
  rmSync(folder, { recursive: true });
});

/** A process that has ended, and been looked after. */
async function endedProcess() {
  const child = spawn('sleep', ['600']);
  const identity = identityOf(child.pid ?? 0);
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('close', resolve));
  if (!identity) throw new Error('sleep did not start');
  return identity;
}

/** A migration that runs, and whose controller seems to have been killed. */
async function abandoned(options: Partial<MigrateOptions> = {}): Promise<FoundJournal> {
  const file = directory.create();
  opened.push(file);
  let isDead = false;
  const qmp = await qemu.connect();
  await startMigration(qmp, {
    to: 'exec:cat',
    ...options,
    journal: {
      policy: ['give-up:after=1h'],
      write: (entry) => {
        if (!isDead) file.write(entry);
      },
    },
  });
  script.pass();
  await pause(150);
  isDead = true;
  // It asks QEMU nothing any more; the one that takes over has the connection.
  const found = directory.unended(qemu.path);
  if (!found) throw new Error('no journal');
  const controller = await endedProcess();
  return { ...found, journal: { ...found.journal, controller } };
}

async function take(found: FoundJournal, more: Partial<Parameters<typeof takeOver>[2]> = {}) {
  const qmp: QmpClient = await qemu.connect();
  const file = directory.goOn(found);
  opened.push(file);
  return await takeOver(qmp, found.journal, { write: file.write, ...more });
}

describe('a journal', () => {
  it('has what was set before, is private, and ends with the outcome', async () => {
    using file = directory.create();
    const migration = await startMigration(await qemu.connect(), {
      to: 'exec:cat',
      journal: { write: file.write, policy: ['give-up:after=1h'] },
    });
    script.pass();
    await pause(150);
    script.complete();
    await migration.result;
    const journal = parseJournal(readFileSync(file.path, 'utf8'));
    expect(journal.begin).toMatchObject({
      source: {
        qmp: qemu.path,
        running: true,
        before: { capabilities: { events: false }, parameters: { 'downtime-limit': 300 } },
      },
      policy: ['give-up:after=1h'],
    });
    expect(journal.passes.length).toBeGreaterThan(0);
    expect(journal.end).toMatchObject({ outcome: 'completed', guest: { where: 'destination' } });
    expect(statSync(file.path).mode & 0o777).toBe(0o600);
    expect(statSync(directory.path).mode & 0o777).toBe(0o700);
  });

  it.each(['/proc/x', '/proc/x/y'])('is refused at once where nothing can be made: %s', (path) => {
    expect(() => new JournalDirectory(path).create()).toThrow(/^ENOENT: .*mkdir '\/proc\/x'/);
  });

  it('keeps a migration from beginning if it takes no entry, with nothing changed', async () => {
    const write = () => {
      throw new Error('no room');
    };
    const starting = startMigration(await qemu.connect(), { to: 'exec:cat', journal: { write } });
    await expect(starting).rejects.toThrow('no room');
    expect(script.asked).toEqual([]);
  });

  it('names a folder that is none', () => {
    const file = join(folder, 'file');
    appendFileSync(file, '');
    const unended = () => new JournalDirectory(file).unended('/run/vm.qmp');
    expect(unended).toThrow(JournalError);
    expect(unended).toThrow(/file is no folder of journals that can be read: ENOTDIR/);
  });

  it('leaves no file behind if nothing was written to it', () => {
    directory.create()[Symbol.dispose]();
    expect(readdirSync(directory.path)).toEqual([]);
  });

  it('is read up to a line that was cut, and goes on after it', async () => {
    const found = await abandoned();
    appendFileSync(found.path, '{"type":"deci');
    expect(directory.unended(qemu.path)?.journal.passes).toEqual(found.journal.passes);
    directory.goOn(found)[Symbol.dispose]();
    const { controller } = parseJournal(readFileSync(found.path, 'utf8'));
    expect(controller.pid).toBe(process.pid);
  });

  it('is kept for a hundred migrations that ended, and for all that did not', () => {
    const begin = {
      type: 'begin',
      format: 1,
      atMs: 1,
      controller: { pid: 1, start: '1', namespace: '1' },
      source: { running: true, before: { capabilities: {}, parameters: {} } },
      destination: { uri: 'x' },
      method: 'pre-copy',
      holdAtDestination: false,
      onPolicyFailure: 'cancel',
      context: {
        ramBytes: 1,
        pageBytes: 1,
        downtimeLimitMs: 1,
        bandwidthLimitBytesPerSecond: 0,
        postcopyPossible: false,
      },
    } as const;
    const guest = { where: 'source', status: 'running', running: true } as const;
    const end = { type: 'end', atMs: 1, outcome: 'failed', reason: '', guest } as const;
    for (let count = 0; count < 120; count += 1) {
      using file = directory.create();
      file.write(begin);
      if (count >= 5) file.write(end);
    }
    const kept = directory.all();
    expect(kept.filter(({ journal }) => !journal.end)).toHaveLength(5);
    // The last one was begun before the oldest was removed.
    expect(kept.filter(({ journal }) => journal.end).length).toBeLessThanOrEqual(101);
  });
});

describe('taking over', () => {
  it('goes on with the policy and the passes, and puts back what the journal has', async () => {
    const found = await abandoned();
    const seen: number[] = [];
    const migration = await take(found, {
      policy: ({ passes }) => {
        seen.push(passes.length);
        return { choice: 'go-on', policy: 'test', reason: 'Not yet.', numbers: {} };
      },
    });
    await pause(100);
    script.complete();
    const { outcome, passes } = await migration.result;
    expect(outcome).toBe('completed');
    expect(seen[0]).toBeGreaterThanOrEqual(found.journal.passes.length);
    expect(passes.slice(0, found.journal.passes.length)).toEqual(found.journal.passes);
    expect(script.asked).toContain('migrate-set-parameters');
    expect(directory.unended(qemu.path)).toBeUndefined();
  });

  it('ends what has ended meanwhile', async () => {
    const found = await abandoned();
    script.complete();
    const { outcome, guest } = await (await take(found)).result;
    expect({ outcome, where: guest.where }).toEqual({ outcome: 'completed', where: 'destination' });
  });

  it('does not decide again what was decided', async () => {
    const found = await abandoned();
    const decision = { choice: 'give-up', policy: 'x', reason: 'Enough.', numbers: {} } as const;
    const policy = () => {
      throw new Error('it was asked');
    };
    const decided = { ...found, journal: { ...found.journal, decision } };
    const { outcome, reason, callbackFailures } = await (await take(decided, { policy })).result;
    expect({ outcome, reason, callbackFailures }).toEqual({
      outcome: 'cancelled',
      reason: 'The policy gave up: Enough.',
      callbackFailures: undefined,
    });
  });

  it('goes on cancelling, and continues a guest that arrived and was held', async () => {
    const found = await abandoned();
    const cancelled = { ...found, journal: { ...found.journal, cancelReason: 'Ctrl-C' } };
    const { outcome, reason } = await (await take(cancelled)).result;
    expect({ outcome, reason }).toEqual({ outcome: 'cancelled', reason: 'Ctrl-C' });
  });

  it('is possible where the first process lost sight of the migration: nothing was put back', async () => {
    const found = await abandoned();
    const guest = { where: 'unknown', status: 'unknown', running: false } as const;
    const end = { type: 'end', atMs: 1, outcome: 'unknown', reason: 'It fell silent.', guest };
    appendFileSync(found.path, `${JSON.stringify(end)}\n`);
    const lost = directory.unended(qemu.path);
    if (!lost) throw new Error('it is not found');
    expect(lost.journal.end?.outcome).toBe('unknown');
    // The process that lost sight of it may live on, and do other things.
    const { ppid } = process;
    const controller = identityOf(ppid) ?? (await endedProcess());
    const before = script.asked.filter((name) => name === 'migrate-set-parameters').length;
    const taken = await take({ ...lost, journal: { ...lost.journal, controller } });
    expect(directory.open()[0]?.journal.end).toBeUndefined();
    script.complete();
    expect((await taken.result).outcome).toBe('completed');
    const after = script.asked.filter((name) => name === 'migrate-set-parameters').length;
    expect(after).toBeGreaterThan(before);
    expect(directory.open()).toEqual([]);
    expect(directory.all()[0]?.journal.end?.outcome).toBe('completed');
  });

  it('finds the journal of the same QEMU although its QMP had another address', async () => {
    // QEMU is known by the program of its process.
    const program = join(folder, 'qemu-system-test');
    copyFileSync('/bin/sleep', program);
    const child = spawn(program, ['600']);
    script.on = ({ execute, id }) => {
      if (execute === 'migrate') setImmediate(() => script.become('active'));
      if (execute !== 'query-cpus-fast') return undefined;
      qemu.say({ return: [{ 'thread-id': child.pid, 'cpu-index': 0, target: 'x86_64' }], id });
      return true;
    };
    try {
      const { path } = await abandoned();
      const text = readFileSync(path, 'utf8').replace(qemu.path, '/moved/vm.qmp');
      writeFileSync(path, text);
      expect(directory.unended(qemu.path)).toBeUndefined();
      const client = await qemu.connect();
      expect((await directory.unendedOf(client))?.path).toBe(path);
      script.complete();
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('puts settings back where the migration never began', async () => {
    const found = await abandoned();
    script.status = undefined;
    const unbegun = { ...found, journal: { ...found.journal, migrateAtMs: undefined, passes: [] } };
    const { outcome, reason } = await (await take(unbegun)).result;
    expect({ outcome, reason }).toEqual({ outcome: 'cancelled', reason: 'It never began.' });
  });

  it.for<[what: string, change: (found: FoundJournal) => Promise<FoundJournal>, problem: RegExp]>([
    [
      'whose controller still runs',
      async (found) => {
        const { ppid } = process;
        const controller = identityOf(ppid) ?? (await endedProcess());
        return { ...found, journal: { ...found.journal, controller } };
      },
      /Process \d+ still controls this migration/,
    ],
    [
      'that began at another time than this one',
      (found) => {
        const migrateAtMs = (found.journal.migrateAtMs ?? 0) - 60_000;
        return Promise.resolve({ ...found, journal: { ...found.journal, migrateAtMs } });
      },
      /Another program has begun the migration/,
    ],
    [
      'that has ended',
      (found) => {
        const guest = { where: 'source', status: 'running', running: true } as const;
        const end = { type: 'end', atMs: 1, outcome: 'failed', reason: '', guest } as const;
        return Promise.resolve({ ...found, journal: { ...found.journal, end } });
      },
      /has ended/,
    ],
  ])('refuses a migration %s', async ([, change, problem]) => {
    const found = await change(await abandoned());
    const before = script.asked.length;
    const qmp = await qemu.connect();
    const taking = takeOver(qmp, found.journal, { write: () => {} });
    await expect(taking).rejects.toThrow(JournalError);
    await expect(taking).rejects.toThrow(problem);
    expect(script.asked.length).toBe(before);
  });
});

describe('a process', () => {
  it('that has ended is not alive, even if nobody has looked yet', async () => {
    expect(isAlive(await endedProcess())).toBe(false);
    const own = identityOf(process.pid);
    expect(own && isAlive(own)).toBe(true);
    expect(own && isAlive({ ...own, namespace: '1' })).toBeUndefined();
    // A shell that does not wait for its child leaves a zombie.
    const shell = spawn('sh', ['-c', 'true & echo $!; exec sleep 600'], { stdio: 'pipe' });
    const pid = await new Promise<number>((resolve) =>
      shell.stdout.once('data', (text) => resolve(Number(text))),
    );
    await pause(200);
    expect(identityOf(pid)).toBeUndefined();
    shell.kill('SIGKILL');
  });
});
