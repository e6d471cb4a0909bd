// Under KVM, where the kernel keeps the dirty log: memory is equal after a migration with the filter, page by page,
// however the log is cleared. The guest works in ring 3, which KVM runs at the speed of the processor even where it
// interprets ring 0: see `fakedirty qemu doctor`.
import { describe, expect, it, type TestContext } from 'vitest';
import type { GuestOptions, GuestPattern } from '../../../lib/qemu/machine/guest.js';
import { byName, guests, type Method, methods, some } from '../../harness/methods-and-guests.js';
import {
  expectRightGuest,
  filterCountsOf,
  migrateAndCompare,
  migrateWith,
  underKvm,
  withPair,
} from '../../harness/migrate-and-compare.js';
import type { MigrationPair, PairOptions } from '../../harness/migration-pair.js';
import { type MigrationPlan, withFilter } from '../../harness/migration-plan.js';
import {
  needBrokenQemu,
  needDirtyRing,
  needKvmInRing3,
  needQemu,
  needRoot,
  type Qemu,
} from '../../harness/requirements.js';

const filter = withFilter('ph128');
/** The guest writes so fast that memory is walked a few times more than that. */
const fourPasses: MigrationPlan = { ...filter, passes: 4, downtimeLimitMs: 0 };

/** One of the guests that tests migrate, by its pattern. */
function guestThat(pattern: GuestPattern) {
  const found = guests.find((guest) => guest.pattern === pattern);
  if (!found) throw new Error(`No guest has the pattern ${pattern}.`);
  return found;
}

const flip = guestThat('flip');
const rewrite = guestThat('rewrite');
const random = guestThat('random');
const idle = guestThat('idle');

/** Has the log cleared for 64 pages at a time; by default that is 1 GiB, all of these guests' memory. */
const smallChunks = ['-global', 'migration.x-clear-bitmap-shift=6'];
const dirtyRing = 'dirty-ring-size=4096';

/** The QEMU under test, or the test is skipped. */
async function needQemuWithKvm(context: TestContext): Promise<Qemu> {
  const qemu = needQemu(context);
  await needKvmInRing3(context, qemu);
  return qemu;
}

/** How the kernel's log gets to QEMU. */
const logs = [
  { name: 'with a log that is cleared in one piece', options: {} },
  { name: 'with a log that is cleared in small chunks', options: { sourceArguments: smallChunks } },
  { name: 'with a dirty ring', options: { acceleratorOptions: dirtyRing } },
] as const;
type Log = (typeof logs)[number];

async function needLog(context: TestContext, { options }: Log): Promise<Qemu> {
  const qemu = await needQemuWithKvm(context);
  if ('acceleratorOptions' in options) await needDirtyRing(context, qemu, dirtyRing);
  return qemu;
}

describe('memory is equal after a migration under KVM', () => {
  const list = guests.flatMap((guest, at) =>
    methods.map((method, index) => {
      // Each method and each guest with each log.
      const log = logs[(at + index) % logs.length] as Log;
      const name = `by ${method.name}, of a guest that ${guest.name}, ${log.name}`;
      return { name, method, guest, log };
    }),
  );

  it.for(byName(some(list, [0, 1, 2, 3, 8, 10, 11, 16, 17, 18, 19, 24, 29])))(
    '%s',
    async ([, { method, guest, log }], context) => {
      const options = { ...underKvm(await needLog(context, log), guest), ...log.options };
      const counts = filterCountsOf(await migrateAndCompare(options, { ...method, ...fourPasses }));
      const { checked, first, zero, changed, unchanged } = counts;
      expect(first + zero + changed + unchanged).toBe(checked);
      if (guest.pattern === 'rewrite') expect(unchanged).toBeGreaterThan(guest.pages / 2);
    },
  );
});

describe('several vCPUs that write at once', () => {
  const [plainMethod, , , multifd] = methods as [Method, Method, Method, Method];
  // Both write in each page, or each in every other page.
  const list = [
    ['random words of the same pages', random, plainMethod, logs[1]],
    ['random words of the same pages', random, multifd, logs[0]],
    ['values that come back, in pages side by side', flip, plainMethod, logs[0]],
    ['values that come back, in pages side by side', flip, multifd, logs[2]],
    ['the same values of the same pages', rewrite, plainMethod, logs[2]],
  ] as const;

  it.for(
    list.map(
      ([what, guest, method, log]) => [what, method.name, log.name, guest, method, log] as const,
    ),
  )('leave memory equal: %s, by %s, %s', async ([, , , guest, method, log], context) => {
    const qemu = await needLog(context, log);
    const options = { ...underKvm(qemu, { ...guest, vcpus: 2 }), ...log.options };
    await migrateAndCompare(options, { ...method, ...fourPasses });
  });
});

describe('a switch to post-copy under KVM', () => {
  it.for(byName(some(logs, [0, 1, 2])))('leaves memory equal, %s', async ([, log], context) => {
    needRoot(context, 'for userfaultfd');
    const options = { ...underKvm(await needLog(context, log), random), ...log.options };
    const plan = { ...filter, passes: 3, postcopy: true };
    const { ram } = await migrateAndCompare(options, plan);
    expect(ram?.['postcopy-bytes']).toBeGreaterThan(0);
  });
});

describe('a migration after a cancelled one under KVM', () => {
  it.for(byName(some(logs, [0, 1, 2])))('leaves memory equal, %s', async ([, log], context) => {
    const options = { ...underKvm(await needLog(context, log), flip), ...log.options };
    await withPair(options, async (pair) => {
      const cancelled = migrateWith(pair, filter, 2, async () => {
        await pair.source.qmp.execute('migrate_cancel');
      });
      await expect(cancelled).rejects.toThrow('cancelled');
      await pair.replaceDestination();
      await pair.migrate(fourPasses);
      expect(await pair.compare()).toMatchObject({ differentPages: 0, firstDifferent: [] });
      await expectRightGuest(pair, false);
    });
  });
});

describe('the dirty log of a guest that does nothing', () => {
  /** What a migration of at least five passes looked at, beside all memory once. */
  async function checkedAgain(pair: MigrationPair): Promise<number> {
    const counts = filterCountsOf(await pair.migrate({ ...filter, passes: 5 }));
    return counts.checked - counts.first - counts.zero;
  }

  it.for(byName(some(logs, [0, 1, 2])))('has nothing in it, %s', async ([, log], context) => {
    const options = { ...underKvm(await needLog(context, log), idle), ...log.options };
    await withPair(options, async (pair) => {
      expect(await checkedAgain(pair)).toBeLessThan(idle.pages / 16);
      expect(await pair.compare()).toMatchObject({ differentPages: 0 });
    });
  });
});

/**
 * Pauses a guest while pages are on their way: what it wrote last is marked, and nothing repairs a mark that was lost.
 * Returns how many pages are wrong afterwards.
 */
function differentAfterPause(options: PairOptions): Promise<number> {
  return withPair(options, async (pair) => {
    await migrateWith(pair, { ...filter, bandwidthBytesPerSecond: 0 }, 3, async () => {
      await pair.source.qmp.execute('stop');
    });
    return (await pair.compare()).differentPages;
  });
}

/** Many pages, so that it is paused while some are on their way. */
const large: GuestOptions = { pattern: 'random', pages: 8192, wordsPerPage: 1 };

describe('a guest that is paused during a pass', () => {
  it('has equal memory', async (context) => {
    const qemu = await needQemuWithKvm(context);
    for (const spins of [0, 100, 1000]) {
      const options = { ...underKvm(qemu, { ...large, spins }), sourceArguments: smallChunks };
      expect(await differentAfterPause(options)).toBe(0);
    }
  });

  // For long runs.
  const breaks = some(
    [
      ['R2', 'clears the dirty log after the copy'],
      ['R2_NEVER', 'leaves the dirty log to QEMU, which clears it when a page is sent'],
    ] as const,
    [],
  );
  // It has to be paused between a copy and the clearing that follows, or soon after: every third migration is.
  const attempts = 30;

  for (const [name, what] of breaks) {
    it(`has other memory after a migration by a build with ${name}: it ${what}`, async (context) => {
      const qemu = needBrokenQemu(context, name);
      await needKvmInRing3(context, qemu);
      let different = 0;
      for (let attempt = 0; different === 0 && attempt < attempts; attempt += 1) {
        const guest = { ...large, seed: 1 + attempt };
        const options = { ...underKvm(qemu, guest), sourceArguments: smallChunks };
        different = await differentAfterPause(options);
      }
      expect(different).toBeGreaterThan(0);
    });
  }
});
