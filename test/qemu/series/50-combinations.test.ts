// What else can be combined with the filter, by the table in docs/reference/qemu-filter.md: memory is equal afterwards.

import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { mebibyte } from '../../../lib/format/bytes.js';
import { type GuestOptions, guestState } from '../../../lib/qemu/machine/guest.js';
import type { Machine } from '../../../lib/qemu/machine/machine.js';
import { byName, guests, methods, some } from '../../harness/methods-and-guests.js';
import {
  expectRightGuest,
  filterCountsOf,
  migrateAndCompare,
  migrateWith,
  plain,
  underKvm,
  withPair,
} from '../../harness/migrate-and-compare.js';
import type { PairOptions } from '../../harness/migration-pair.js';
import { withFilter } from '../../harness/migration-plan.js';
import {
  needDirtyRing,
  needHugePages,
  needKvmInRing3,
  needQemu,
  testedVersion,
} from '../../harness/requirements.js';

const lookMs = 10;
const filter = withFilter('ph128');
const random: GuestOptions = { pattern: 'random', pages: 2048, wordsPerPage: 8 };

// QEMU 7.2 has no such capability.
if (testedVersion === '8.1') {
  describe('dirty-limit', () => {
    it('leaves memory equal', async (context) => {
      const qemu = needQemu(context);
      const acceleratorOptions = 'dirty-ring-size=4096';
      await needKvmInRing3(context, qemu);
      await needDirtyRing(context, qemu, acceleratorOptions);
      const options = { ...underKvm(qemu, random), acceleratorOptions };
      const capabilities = { 'dirty-limit': true };
      await migrateAndCompare(options, { ...filter, capabilities, passes: 4 });
    });
  });
}

describe('pause-before-switchover', () => {
  it.for(byName(some(methods, [0, 2, 3])))(
    'leaves memory equal, by %s',
    async ([, method], context) => {
      await withPair(plain(needQemu(context), random), async (pair) => {
        const { qmp } = pair.source;
        const events = qmp.events('MIGRATION');
        const capabilities = { ...method.capabilities, 'pause-before-switchover': true };
        const paused = events
          .until(({ data: { status } }) => status === 'pre-switchover')
          .then(() => qmp.execute('migrate-continue', { state: 'pre-switchover' }));
        await Promise.all([
          pair.migrate({ ...method, ...filter, capabilities, passes: 3 }),
          paused,
        ]);
        events.close();
        expect(await pair.compare()).toMatchObject({ differentPages: 0 });
        await expectRightGuest(pair, false);
      });
    },
  );
});

describe('x-ignore-shared', () => {
  it('leaves shared memory out, and allocates no table for it', async (context) => {
    const options = { ...plain(needQemu(context), random), sharesMemory: true };
    await withPair(options, async (pair) => {
      const capabilities = { 'x-ignore-shared': true };
      const counts = filterCountsOf(await pair.migrate({ ...filter, capabilities }));
      expect(counts['table-bytes']).toBeLessThan(random.pages * 16);
      await expectRightGuest(pair, false);
    });
  });
});

describe('guest memory', () => {
  const kinds = [
    ['in two RAM blocks', 'two-files'],
    ['without a file', 'anonymous'],
    ['in a memfd', 'memfd'],
    ['in huge pages', 'huge-pages'],
  ] as const;
  const [flip] = guests;
  const list = kinds.flatMap(([name, memory]) =>
    some(methods, [0, 3]).map(
      (method) => [`${name} is equal, by ${method.name}`, memory, method] as const,
    ),
  );

  it.for(list)('%s', async ([, memory, method], context) => {
    const ramBytes = 12 * mebibyte;
    const qemu = needQemu(context);
    if (memory === 'huge-pages') needHugePages(context, 2 * ramBytes);
    const options = { ...plain(qemu, flip ?? random), ramBytes, memory };
    const counts = await migrateAndCompare(options, { ...method, ...filter, passes: 4 });
    expect(filterCountsOf(counts).checked).toBeGreaterThan(0);
  });
});

// Here because tests of one file run one after the other: they take huge pages from one pool.
describe('a guest in huge pages under KVM, whose marks are all fake', () => {
  const rewrite: GuestOptions = { pattern: 'rewrite', pages: 2048, wordsPerPage: 16 };

  it.for(byName(some(methods, [0, 3])))('has equal memory, by %s', async ([, method], context) => {
    const qemu = needQemu(context);
    await needKvmInRing3(context, qemu);
    const ramBytes = 12 * mebibyte;
    needHugePages(context, 2 * ramBytes);
    const options: PairOptions = { ...underKvm(qemu, rewrite), ramBytes, memory: 'huge-pages' };
    const plan = { ...method, ...filter, passes: 4, downtimeLimitMs: 0 };
    const { unchanged, changed } = filterCountsOf(await migrateAndCompare(options, plan));
    expect(unchanged).toBeGreaterThan(rewrite.pages / 2);
    expect(changed).toBeLessThan(rewrite.pages / 2);
  });
});

describe('savevm', () => {
  const jobs = z.array(
    z.looseObject({ id: z.string(), status: z.string(), error: z.string().optional() }),
  );

  /** Has a machine do something in the background, and waits until it has. */
  async function job({ qmp }: Machine, command: string, options: Record<string, unknown>) {
    const id = command;
    await qmp.execute(command, { 'job-id': id, ...options });
    for (;;) {
      const state = (await qmp.query('query-jobs', { schema: jobs })).find((one) => one.id === id);
      if (state?.status === 'concluded') {
        await qmp.execute('job-dismiss', { id });
        expect(state.error).toBeUndefined();
        return;
      }
      await pause(lookMs);
    }
  }

  /** A disk that snapshots go to. */
  async function addDisk(machine: Machine, file: string): Promise<void> {
    const { qmp } = machine;
    const size = 64 * mebibyte;
    await job(machine, 'blockdev-create', { options: { driver: 'file', filename: file, size: 0 } });
    await qmp.execute('blockdev-add', { driver: 'file', 'node-name': 'file', filename: file });
    await job(machine, 'blockdev-create', { options: { driver: 'qcow2', file: 'file', size } });
    await qmp.execute('blockdev-add', { driver: 'qcow2', 'node-name': 'disk', file: 'file' });
  }

  it('saves memory without the filter, and what was saved is right', async (context) => {
    await withPair(plain(needQemu(context), random), async ({ source, workspace }) => {
      await addDisk(source, workspace.path('disk'));
      await source.qmp.execute('migrate-set-capabilities', {
        capabilities: [{ capability: 'fake-dirty-filter', state: true }],
      });
      const snapshot = { tag: 'one', vmstate: 'disk', devices: ['disk'] };
      await job(source, 'snapshot-save', snapshot);
      const saved = await guestState(source.serial);
      // More than it gets done, on a busy machine too, before it can be asked once it has been loaded.
      while ((await guestState(source.serial)).passes < saved.passes + 500) await pause(lookMs);
      const later = await guestState(source.serial);
      await job(source, 'snapshot-load', snapshot);
      const loaded = await guestState(source.serial);
      expect(loaded.wrongWords).toBe(0);
      expect(loaded.passes).toBeLessThan(later.passes);
      const counts = await source.qmp.query('query-migrate', { schema: z.looseObject({}) });
      expect(counts['fake-dirty']).toBeUndefined();
    });
  });
});

describe('a migration after a cancelled one', () => {
  it('filters anew, with other settings', async (context) => {
    await withPair(plain(needQemu(context), random), async (pair) => {
      const [, xbzrle, , multifd] = methods;
      const plan = { ...xbzrle, ...filter };
      const cancelled = migrateWith(pair, plan, 2, async () => {
        await pair.source.qmp.execute('migrate_cancel');
      });
      await expect(cancelled).rejects.toThrow('cancelled');
      await pair.replaceDestination();
      await pair.source.qmp.execute('migrate-set-capabilities', {
        capabilities: [{ capability: 'xbzrle', state: false }],
      });
      const counts = await pair.migrate({ ...multifd, ...withFilter('sha1'), passes: 3 });
      expect(counts['fake-dirty']).toMatchObject({ hash: 'sha1' });
      expect(await pair.compare()).toMatchObject({ differentPages: 0 });
      await expectRightGuest(pair, false);
    });
  });
});
