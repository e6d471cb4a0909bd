import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mebibyte } from '../../../lib/format/bytes.js';
import { compareMemory } from '../../../lib/qemu/machine/compare-memory.js';
import {
  assembleGuest,
  type GuestOptions,
  guestPatterns,
  guestState,
  untilReady,
} from '../../../lib/qemu/machine/guest.js';
import { Machine } from '../../../lib/qemu/machine/machine.js';
import { Workspace } from '../../../lib/system/workspace.js';
import { repository } from '../../../scripts/run/cache.mjs';
import { needAnyQemu } from '../../harness/requirements.js';

const ramBytes = 4 * mebibyte;

describe('comparing memories', () => {
  let directory: string;
  let files: [string, string];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
    files = [join(directory, 'one'), join(directory, 'other')];
    for (const file of files) {
      writeFileSync(file, '');
      truncateSync(file, 9 * mebibyte);
    }
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  async function poke(file: string, position: number): Promise<void> {
    const handle = await open(file, 'r+');
    await handle.write('x', position);
    await handle.close();
  }

  it('finds that equal ones are equal', async () => {
    const comparison = await compareMemory(...files);
    expect(comparison).toEqual({ pages: 2304, differentPages: 0, firstDifferent: [] });
  });

  it('finds every page that differs, in whichever file and wherever in the page', async () => {
    await poke(files[0], 0);
    await poke(files[1], 1025 * 4096 + 4095);
    await poke(files[1], 1025 * 4096 + 7);
    await poke(files[0], 2303 * 4096 + 4095);
    const comparison = await compareMemory(...files);
    expect(comparison).toMatchObject({ differentPages: 3, firstDifferent: [0, 1025, 2303] });
  });

  it('refuses memories of different sizes', async () => {
    truncateSync(files[1], 8 * mebibyte);
    await expect(compareMemory(...files)).rejects.toThrow(/9437184.*8388608/);
  });
});

describe('the test guest', () => {
  let workspace: Workspace;
  let machine: Machine | undefined;

  beforeEach(() => {
    workspace = Workspace.create(2 * ramBytes);
  });
  afterEach(async () => {
    await machine?.kill();
    workspace.remove();
  });

  async function boot(binary: string, guest: GuestOptions): Promise<Machine> {
    const firmware = await assembleGuest(workspace, guest);
    const options = { name: 'guest', binary, workspace, ramBytes, firmware } as const;
    machine = await Machine.start({ ...options, accelerator: 'tcg' });
    await machine.qmp.execute('cont');
    await untilReady(machine.serial);
    return machine;
  }

  async function stopWriting({ serial }: Machine): Promise<void> {
    serial.send('s');
    expect(await serial.line(5000)).toBe('stopped');
  }

  it.for(
    guestPatterns.flatMap((pattern) =>
      [1, 1024].map((wordsPerPage) => ({ pattern, wordsPerPage })),
    ),
  )(
    'writes $pattern, $wordsPerPage words a page, and finds its memory right',
    async (guest, context) => {
      const { binary } = needAnyQemu(context);
      const { serial } = await boot(binary, { ...guest, pages: 64 });
      const first = await guestState(serial);
      const second = await guestState(serial);
      expect([first.wrongWords, second.wrongWords]).toEqual([0, 0]);
      if (guest.pattern === 'idle') expect(second).toEqual(first);
      else expect(second.passes).toBeGreaterThan(first.passes);
    },
  );

  it.for(guestPatterns)(
    '%s: notices a word that somebody else changed',
    async (pattern, context) => {
      const { binary } = needAnyQemu(context);
      const guest = await boot(binary, { pattern, pages: 64 });
      await stopWriting(guest);
      const memory = await open(guest.ramFile, 'r+');
      const position = mebibyte + 17 * 4096 + 123 * 4;
      const word = Buffer.alloc(4);
      await memory.read(word, 0, 4, position);
      word.writeUInt8(word.readUInt8(2) ^ 1, 2);
      await memory.write(word, 0, 4, position);
      await memory.close();
      expect(await guestState(guest.serial)).toMatchObject({ wrongWords: 1 });
    },
  );

  it('says why a QEMU did not start', async (context) => {
    const { binary } = needAnyQemu(context);
    const options = { name: 'odd', binary, workspace, ramBytes, arguments: ['-nonsense'] };
    await expect(Machine.start({ ...options, accelerator: 'tcg' })).rejects.toThrow(
      /"odd" ended while it started.*-nonsense/s,
    );
    await expect(
      Machine.start({ ...options, binary: '/nowhere', accelerator: 'tcg' }),
    ).rejects.toThrow(/"odd".*\/nowhere/s);
  });
});

describe('nothing is left behind', () => {
  let owner: ChildProcess;

  afterEach(() => {
    owner.kill('SIGKILL');
  });

  /** Starts a guest in a process of its own, from the built package; answers what it made. */
  async function startInAnotherProcess(
    binary: string,
  ): Promise<{ qemu: number; directory: string }> {
    const script = `
      const { Machine } = await import('${repository}/dist/qemu/machine/machine.js');
      const { Workspace } = await import('${repository}/dist/system/workspace.js');
      const workspace = Workspace.create(${ramBytes});
      const machine = await Machine.start({ name: 'orphan', binary: '${binary}', accelerator: 'tcg',
        workspace, ramBytes: ${ramBytes}, firmware: process.argv[1] });
      console.log(JSON.stringify({ qemu: machine.pid, directory: workspace.directory }));
      setInterval(() => {}, 1000);`;
    const firmware = join(mkdtempSync(join(tmpdir(), 'fakedirty-test-')), 'firmware');
    writeFileSync(firmware, Buffer.alloc(65536));
    owner = spawn(process.execPath, ['--input-type=module', '--eval', script, firmware], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (!owner.stdout) throw new Error('no output');
    const [line] = await once(createInterface({ input: owner.stdout }), 'line');
    rmSync(dirname(firmware), { recursive: true });
    return JSON.parse(line);
  }

  async function untilGone(pid: number): Promise<void> {
    // Not our child: its end is no event for us.
    while (existsSync(`/proc/${pid}`)) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  it.for(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'when its owner gets %s',
    async (signal, context) => {
      const { qemu, directory } = await startInAnotherProcess(needAnyQemu(context).binary);
      owner.kill(signal);
      const [, endedBy] = await once(owner, 'exit');
      expect(endedBy).toBe(signal);
      await untilGone(qemu);
      expect(existsSync(directory)).toBe(false);
    },
  );

  it('when its owner is killed outright, by whoever starts next', async (context) => {
    const { qemu, directory } = await startInAnotherProcess(needAnyQemu(context).binary);
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    await untilGone(qemu);
    Workspace.create(ramBytes).remove();
    expect(existsSync(directory)).toBe(false);
  });

  it('but never what belongs to somebody who lives', () => {
    const mine = Workspace.create(ramBytes);
    mkdirSync(mine.path('kept'));
    Workspace.create(ramBytes).remove();
    expect(existsSync(mine.path('kept'))).toBe(true);
    mine.remove();
    owner = spawn('true');
  });
});
