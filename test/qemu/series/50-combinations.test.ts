// What can be combined with the filter, one test a row of the table in docs/reference/qemu-filter.md: memory is equal
// afterwards, or the combination is refused with its reason.

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
  timeout,
  withPair,
} from '../../harness/migrate-and-compare.js';
import type { MigrationPair, PairOptions } from '../../harness/migration-pair.js';
import { type MigrationMethod, withFilter } from '../../harness/migration-plan.js';
import {
  needBrokenQemu,
  needHugePages,
  needKvm,
  needQemu,
  needRoot,
  testedVersion,
} from '../../harness/requirements.js';

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
  async function throttleOf(pair: MigrationPair, passes: number, method: MigrationMethod = {}) {
    let highest = 0;
    const events = pair.source.qmp.events('MIGRATION_PASS');
    const watched = (async () => {
      for await (const _ of events) {
        const { 'cpu-throttle-percentage': percentage = 0 } = await pair.source.qmp.query(
          throttled,
          'query-migrate',
        );
        highest = Math.max(highest, percentage);
      }
    })();
    await pair.migrate({
      autoConverge: { initialPercent: 40 },
      parameters: { 'throttle-trigger-threshold': 30 },
      // Or a guest that is all fake has moved before QEMU has looked twice. (Without the filter QEMU takes a limit
      // of 0 for leave to end after the first pass.)
      ...(method.filter ? { downtimeLimitMs: 0 } : {}),
      ...method,
      passes,
    });
    expect(await pair.compare()).toMatchObject({ differentPages: 0 });
    events.close();
    await watched;
    return highest;
  }

  it('does not throttle a guest for pages that are skipped', { timeout }, async (context) => {
    const qemu = needQemu(context);
    // The guest must be throttled without the filter, or this says nothing.
    await withPair(plain(qemu, rewrite), async (pair) => {
      expect(await throttleOf(pair, slowPasses)).toBeGreaterThan(0);
    });
    await withPair(plain(qemu, rewrite), async (pair) => {
      expect(await throttleOf(pair, fastPasses, filter)).toBe(0);
    });
  });

  it('throttles a guest whose fake marks take longer to look at than the downtime limit', {
    timeout,
  }, async (context) => {
    const many: GuestOptions = { ...rewrite, pages: 64 * 256, wordsPerPage: 1 };
    await withPair(plain(needQemu(context), many), async (pair) => {
      const slow = { ...withFilter('sha256'), downtimeLimitMs: 1 };
      expect(await throttleOf(pair, fastPasses, slow)).toBeGreaterThan(0);
    });
  });

  it.for(some(['THROTTLE'], []))(
    'throttles a guest for skipped pages in a build with %s: fake marks count like others',
    { timeout },
    async (name, context) => {
      await withPair(plain(needBrokenQemu(context, name), rewrite), async (pair) => {
        expect(await throttleOf(pair, fastPasses, filter)).toBeGreaterThan(0);
      });
    },
  );

  it('throttles a guest for pages that really change', { timeout }, async (context) => {
    await withPair(plain(needQemu(context), random), async (pair) => {
      expect(await throttleOf(pair, slowPasses)).toBeGreaterThan(0);
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
      const capabilities = { 'dirty-limit': true };
      await migrateAndCompare(options, { ...filter, capabilities, passes: 4 });
    });
  });
}

describe('pause-before-switchover', () => {
  it.for(byName(some(methods, [0, 2, 3])))(
    'leaves memory equal, by %s',
    { timeout },
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

describe('post-copy', () => {
  it('with release-ram leaves the guest with the right memory', { timeout }, async (context) => {
    needRoot(context, 'for userfaultfd');
    await withPair(plain(needQemu(context), random), async (pair) => {
      const plan = { ...filter, passes: 2, postcopy: true };
      const { ram } = await pair.migrate({ ...plan, capabilities: { 'release-ram': true } });
      expect(ram?.['postcopy-bytes']).toBeGreaterThan(0);
      // The source has given its pages back: there is nothing to compare with.
      await expectRightGuest(pair, false);
    });
  });

  it('recovers from a broken connection with equal memory', { timeout }, async (context) => {
    needRoot(context, 'for userfaultfd');
    await withPair(plain(needQemu(context), random), async (pair) => {
      const { source, destination, workspace } = pair;
      const events = source.qmp.events('MIGRATION');
      const arriving = destination.qmp.events('MIGRATION');
      const reached = (stream: typeof events, wanted: string) =>
        stream.until(({ data: { status } }) => status === wanted);
      const slowly = { postcopyBandwidthBytesPerSecond: 2 * mebibyte };
      const interrupted = pair
        .migrate({ ...filter, ...slowly, passes: 2, postcopy: true })
        .catch((error: unknown) => error);

      await Promise.all([reached(events, 'postcopy-active'), reached(arriving, 'postcopy-active')]);
      // QEMU can recover from a break once the destination has the devices too, and says so nowhere else.
      const handedOver = async () =>
        (await destination.qmp.execute('query-status')).status !== 'inmigrate';
      while (!(await handedOver())) await pause(lookMs);
      await source.qmp.execute('migrate-pause');
      await Promise.all([reached(events, 'postcopy-paused'), reached(arriving, 'postcopy-paused')]);
      expect(await interrupted).toMatchObject({ source: 'postcopy-paused' });
      // migrate() ends there, and leaves it to people to bring the two sides together.
      const uri = `unix:${workspace.path('recovery')}`;
      await destination.qmp.execute('migrate-recover', { uri });
      await source.qmp.execute('migrate-set-parameters', { 'max-postcopy-bandwidth': 0 });
      await source.qmp.execute('migrate', { uri, resume: true });
      await Promise.all([reached(events, 'completed'), reached(arriving, 'completed')]);
      const { ram } = await pair.counts();
      for (const stream of [events, arriving]) stream.close();
      expect(ram?.['postcopy-bytes']).toBeGreaterThan(0);
      expect(await pair.compare()).toMatchObject({ differentPages: 0 });
      await expectRightGuest(pair, false);
    });
  });
});

describe('x-ignore-shared', () => {
  it('leaves shared memory out, and allocates no table for it', { timeout }, async (context) => {
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

  it.for(list)('%s', { timeout }, async ([, memory, method], context) => {
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
      const state = (await qmp.query(jobs, 'query-jobs')).find((one) => one.id === id);
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

  it('saves memory without the filter, and what was saved is right', {
    timeout,
  }, async (context) => {
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
      const counts = await source.qmp.query(z.looseObject({}), 'query-migrate');
      expect(counts['fake-dirty']).toBeUndefined();
    });
  });
});

describe('a migration after a cancelled one', () => {
  it('filters anew, with other settings', { timeout }, async (context) => {
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
