// The guest that tests migrate: it writes as it was told, and finds each word that somebody else has changed.
import { open } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mebibyte } from '../../../lib/format/bytes.js';
import {
  assembleGuest,
  type GuestOptions,
  guestPatterns,
  guestState,
  untilReady,
} from '../../../lib/qemu/machine/guest.js';
import { Machine } from '../../../lib/qemu/machine/machine.js';
import { Workspace } from '../../../lib/system/workspace.js';
import { needAnyQemu } from '../../harness/requirements.js';

const ramBytes = 4 * mebibyte;

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
    'writes $wordsPerPage words a page by the pattern $pattern, and finds its memory right',
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
    'notices a word that somebody else changed, with the pattern "%s"',
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
});
