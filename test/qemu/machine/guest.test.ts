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
import { type Accelerator, Machine } from '../../../lib/qemu/machine/machine.js';
import { Workspace } from '../../../lib/system/workspace.js';
import { needAnyQemu, needKvmInRing3 } from '../../harness/requirements.js';

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

  async function boot(
    binary: string,
    guest: GuestOptions,
    accelerator: Accelerator = 'tcg',
  ): Promise<Machine> {
    const { vcpus = 1 } = guest;
    const firmware = await assembleGuest(workspace, guest);
    const options = { name: 'guest', binary, workspace, ramBytes, vcpus, firmware } as const;
    machine = await Machine.start({ ...options, accelerator });
    await machine.qmp.execute('cont');
    await untilReady(machine.serial);
    return machine;
  }

  async function stopWriting({ serial }: Machine): Promise<void> {
    serial.send('s');
    expect(await serial.line(5000)).toBe('stopped');
  }

  async function expectRightWork(
    binary: string,
    guest: GuestOptions,
    accelerator: Accelerator,
  ): Promise<number> {
    const { serial } = await boot(binary, guest, accelerator);
    const first = await guestState(serial);
    const second = await guestState(serial);
    expect([first.wrongWords, second.wrongWords]).toEqual([0, 0]);
    if (guest.pattern === 'idle') expect(second).toEqual(first);
    else expect(second.passes).toBeGreaterThan(first.passes);
    return second.sum;
  }

  const works = guestPatterns.flatMap((pattern) =>
    [1, 1024].map((wordsPerPage) => ({ pattern, wordsPerPage, pages: 64 })),
  );

  it.for(works)(
    'writes $wordsPerPage words a page by the pattern $pattern, and finds its memory right',
    async (guest, context) => {
      await expectRightWork(needAnyQemu(context).binary, guest, 'tcg');
    },
  );

  describe.each(['tcg', 'kvm'] as const)('in ring 3, by %s,', (accelerator) => {
    it.for(works.flatMap((work) => [1, 2].map((vcpus) => ({ ...work, vcpus }))))(
      'writes $wordsPerPage words a page by the pattern $pattern with $vcpus vCPUs, and finds its memory right',
      async (work, context) => {
        const qemu = needAnyQemu(context);
        if (accelerator === 'kvm') await needKvmInRing3(context, qemu);
        await expectRightWork(qemu.binary, { ...work, ring: 3 }, accelerator);
      },
    );
  });

  it('has the same memory in both rings', async (context) => {
    const { binary } = needAnyQemu(context);
    const guest = { pattern: 'idle', pages: 64 } as const;
    const sum = await expectRightWork(binary, guest, 'tcg');
    await machine?.kill();
    workspace.remove();
    workspace = Workspace.create(2 * ramBytes);
    expect(await expectRightWork(binary, { ...guest, ring: 3 }, 'tcg')).toBe(sum);
  });

  it('writes with all its vCPUs: no word is left out', async (context) => {
    const { binary } = needAnyQemu(context);
    const guest = await boot(binary, { pattern: 'random', pages: 64, ring: 3, vcpus: 4 });
    // Each page has one word, and each fourth page is one vCPU's: on a busy machine one of them may begin late.
    let state = await guestState(guest.serial);
    while (state.passes === 0) state = await guestState(guest.serial);
    expect(state.wrongWords).toBe(0);
  });

  it.for([
    [{ vcpus: 2 }, /vcpus.*1 in ring 0/],
    [{ ring: 3, vcpus: 33 }, /vcpus.*1 to 32/],
    [{ ring: 3, vcpus: 8, pages: 4 }, /vcpus.*a page for each/],
    [{ ring: 3, paged: true }, /ring.*0 in a paged guest/],
  ] as const)('refuses %o', async ([options, problem]) => {
    const guest = { pattern: 'random', pages: 64, ...options } as const;
    await expect(assembleGuest(workspace, guest)).rejects.toThrow(problem);
  });

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
