// What can be combined with the filter, one test a row of the table in docs/reference/qemu-filter.md: memory is equal
// afterwards, or the combination is refused with its reason.

import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { mebibyte } from '../../../lib/format/bytes.js';
import { type GuestOptions, guestState } from '../../../lib/qemu/machine/guest.js';
import type { Machine } from '../../../lib/qemu/machine/machine.js';
import type { MigrationPair, PairOptions } from '../../harness/migration-pair.js';
import {
  needBrokenQemu,
  needHugePages,
  needKvm,
  needQemu,
  needRoot,
  testedVersion,
} from './available.js';
import { guests, methods, some, withFilter } from './matrix.js';
import {
  expectRightGuest,
  filterCountsOf,
  migrateAndCompare,
  migrateWith,
  plain,
  timeout,
  withPair,
} from './migrate-and-compare.js';

const lookMs = 10;
const filter = withFilter('ph128');
const random: GuestOptions = { pattern: 'random', pages: 2048, wordsPerPage: 8 };
const rewrite: GuestOptions = { pattern: 'rewrite', pages: 2048, wordsPerPage: 16 };

describe('auto-converge', () => {
  const throttled = z.looseObject({ 'cpu-throttle-percentage': z.number().optional() });

  // QEMU looks once a second, and throttles when it has seen too much twice: 6 passes a second, and at
  // most 20 when all is skipped.
  const [slowPasses, fastPasses] = [24, 60];

  /** The highest percentage seen after any pass. */
  async function throttleOf(
    pair: MigrationPair,
    passes: number,
    sourceCapabilities: Record<string, boolean>,
    parameters: Record<string, unknown> = {},
  ) {
    let highest = 0;
    const events = pair.source.qmp.events('MIGRATION_PASS');
    const watched = (async () => {
      for await (const _ of events) {
        const { 'cpu-throttle-percentage': percentage = 0 } = await pair.source.qmp.query(
          'query-migrate',
          { schema: throttled },
        );
        highest = Math.max(highest, percentage);
      }
    })();
    const sourceParameters = {
      'cpu-throttle-initial': 40,
      'throttle-trigger-threshold': 30,
      // Or a guest that is all fake has moved before QEMU has looked twice. (Without the filter QEMU takes a limit
      // of 0 for leave to end after the first pass.)
      ...(sourceCapabilities['fake-dirty-filter'] ? { 'downtime-limit': 0 } : {}),
      ...parameters,
    };
    await pair.migrate({ sourceCapabilities, sourceParameters, passes });
    expect(await pair.compare()).toMatchObject({ differentPages: 0 });
    events.close();
    await watched;
    return highest;
  }

  it('is not fooled by pages that are skipped', { timeout }, async (context) => {
    const qemu = needQemu(context);
    const on = { 'auto-converge': true };
    // The guest must be throttled without the filter, or this says nothing.
    await withPair(plain(qemu, rewrite), async (pair) => {
      expect(await throttleOf(pair, slowPasses, on)).toBeGreaterThan(0);
    });
    await withPair(plain(qemu, rewrite), async (pair) => {
      expect(await throttleOf(pair, fastPasses, { ...on, 'fake-dirty-filter': true })).toBe(0);
    });
  });

  it('throttles a guest whose fake marks take longer to look at than it may stand still', {
    timeout,
  }, async (context) => {
    const many: GuestOptions = { ...rewrite, pages: 64 * 256, wordsPerPage: 1 };
    await withPair(plain(needQemu(context), many), async (pair) => {
      const on = { 'auto-converge': true, 'fake-dirty-filter': true };
      const slow = { 'fake-dirty-hash': 'sha256', 'downtime-limit': 1 };
      expect(await throttleOf(pair, fastPasses, on, slow)).toBeGreaterThan(0);
    });
  });

  it.for(some(['THROTTLE'], []))(
    'is fooled where fake marks count like others: %s',
    { timeout },
    async (name, context) => {
      await withPair(plain(needBrokenQemu(context, name), rewrite), async (pair) => {
        const on = { 'auto-converge': true, 'fake-dirty-filter': true };
        expect(await throttleOf(pair, fastPasses, on)).toBeGreaterThan(0);
      });
    },
  );

  it('throttles a guest that really writes', { timeout }, async (context) => {
    await withPair(plain(needQemu(context), random), async (pair) => {
      const on = { 'auto-converge': true, 'fake-dirty-filter': true };
      expect(await throttleOf(pair, slowPasses, on)).toBeGreaterThan(0);
    });
  });
});

// QEMU 7.2 has no such capability.
if (testedVersion === '8.1') {
  describe('dirty-limit', () => {
    it('leaves memory equal', { timeout }, async (context) => {
      const qemu = needQemu(context);
      const storesPerSecond = await needKvm(context, qemu);
      const pages = Math.max(16, Math.min(2048, Math.floor(storesPerSecond / 4096)));
      const options: PairOptions = {
        ...plain(qemu, { ...random, pages }),
        accelerator: 'kvm',
        acceleratorOptions: 'dirty-ring-size=4096',
      };
      const sourceCapabilities = { ...filter.sourceCapabilities, 'dirty-limit': true };
      await migrateAndCompare(options, { ...filter, sourceCapabilities, passes: 4 });
    });
  });
}

describe('pause-before-switchover', () => {
  it.for(some(methods, [0, 2, 3]))(
    '$name: memory is equal',
    { timeout },
    async (method, context) => {
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

describe('post-copy', () => {
  const capabilities = { 'postcopy-ram': true };

  it('with release-ram leaves the guest right', { timeout }, async (context) => {
    needRoot(context, 'for userfaultfd');
    await withPair(plain(needQemu(context), random), async (pair) => {
      const plan = { ...filter, passes: 2, postcopy: true };
      const released = { ...capabilities, 'release-ram': true };
      const { ram } = await pair.migrate({ ...plan, capabilities: released });
      expect(ram?.['postcopy-bytes']).toBeGreaterThan(0);
      // The source has given its pages back: there is nothing to compare with.
      await expectRightGuest(pair, false);
    });
  });

  it('recovers from a broken connection, and memory is equal', { timeout }, async (context) => {
    needRoot(context, 'for userfaultfd');
    await withPair(plain(needQemu(context), random), async (pair) => {
      const { source, destination, workspace } = pair;
      const events = source.qmp.events('MIGRATION');
      const arriving = destination.qmp.events('MIGRATION');
      const reached = (stream: typeof events, wanted: string) =>
        stream.until(({ data: { status } }) => status === wanted);
      const slowly = { 'max-postcopy-bandwidth': 2 * mebibyte };
      const sourceParameters = { ...filter.sourceParameters, ...slowly };
      const plan = { ...filter, capabilities, sourceParameters, passes: 2, postcopy: true };
      const migrated = pair.migrate(plan);
      // Whoever awaits it last tells what went wrong.
      migrated.catch(() => {});

      await Promise.all([reached(events, 'postcopy-active'), reached(arriving, 'postcopy-active')]);
      // QEMU can recover from a break once the destination has the devices too, and says so nowhere else.
      const handedOver = async () =>
        (await destination.qmp.execute('query-status')).status !== 'inmigrate';
      while (!(await handedOver())) await pause(lookMs);
      await source.qmp.execute('migrate-pause');
      await Promise.all([reached(events, 'postcopy-paused'), reached(arriving, 'postcopy-paused')]);
      const uri = `unix:${workspace.path('recovery')}`;
      await destination.qmp.execute('migrate-recover', { uri });
      await source.qmp.execute('migrate-set-parameters', { 'max-postcopy-bandwidth': 0 });
      await source.qmp.execute('migrate', { uri, resume: true });
      const { ram } = await migrated;
      for (const stream of [events, arriving]) stream.close();
      expect(ram?.['postcopy-bytes']).toBeGreaterThan(0);
      expect(await pair.compare()).toMatchObject({ differentPages: 0 });
      await expectRightGuest(pair, false);
    });
  });
});

describe('x-ignore-shared', () => {
  it('leaves shared memory alone, which then has no table', { timeout }, async (context) => {
    const options = { ...plain(needQemu(context), random), sharesMemory: true };
    await withPair(options, async (pair) => {
      const capabilities = { 'x-ignore-shared': true };
      const counts = filterCountsOf(await pair.migrate({ ...filter, capabilities }));
      expect(counts['table-bytes']).toBeLessThan(random.pages * 16);
      await expectRightGuest(pair, false);
    });
  });
});

describe('memory that is', () => {
  const kinds = [
    ['two RAM blocks', 'two-files'],
    ['anonymous', 'anonymous'],
    ['a memfd', 'memfd'],
    ['of huge pages', 'huge-pages'],
  ] as const;
  const [flip] = guests;
  const list = kinds.flatMap(([name, memory]) =>
    some(methods, [0, 3]).map((method) => [`${name}, ${method.name}`, memory, method] as const),
  );

  it.for(list)('%s: is equal', { timeout }, async ([, memory, method], context) => {
    const ramBytes = 12 * mebibyte;
    const qemu = needQemu(context);
    if (memory === 'huge-pages') needHugePages(context, 2 * ramBytes);
    const options = { ...plain(qemu, flip ?? random), ramBytes, memory };
    const counts = await migrateAndCompare(options, { ...method, ...filter, passes: 4 });
    expect(filterCountsOf(counts).checked).toBeGreaterThan(0);
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

  it('is not filtered, and what was saved is right', { timeout }, async (context) => {
    await withPair(plain(needQemu(context), random), async ({ source, workspace }) => {
      await addDisk(source, workspace.path('disk'));
      await source.qmp.execute('migrate-set-capabilities', {
        capabilities: [{ capability: 'fake-dirty-filter', state: true }],
      });
      const snapshot = { tag: 'one', vmstate: 'disk', devices: ['disk'] };
      const before = await guestState(source.serial);
      await job(source, 'snapshot-save', snapshot);
      while ((await guestState(source.serial)).passes < before.passes + 100) await pause(lookMs);
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

describe('a retry', () => {
  it('with other settings filters anew', { timeout }, async (context) => {
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
