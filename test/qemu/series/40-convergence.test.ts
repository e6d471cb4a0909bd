// A migration whose marks are all fake ends by itself, where one without the filter goes on for as long as the guest
// writes; but only if what the guest marks while the filter looks fits within the downtime limit as well (R9).
import { describe, expect, it } from 'vitest';
import type { GuestOptions } from '../../../lib/qemu/machine/guest.js';
import { byName, methods, some } from '../../harness/methods-and-guests.js';
import { expectRightGuest, plain, withPair } from '../../harness/migrate-and-compare.js';
import { type MigrationPlan, withFilter } from '../../harness/migration-plan.js';
import { needBrokenQemu, needQemu, type Qemu } from '../../harness/requirements.js';

const mib = 256;
/** Marks all of 32 MiB again and again, of which 300 ms of this link carry 6: slower than ph128 is on any machine. */
const guest: GuestOptions = { pattern: 'rewrite', pages: 32 * mib, spins: 16 };
/** The fewest pauses that there are: marks pages faster than a slow fingerprint can be computed. */
const fastGuest: GuestOptions = { pattern: 'rewrite', pages: 64 * mib };
const slowLink = { bandwidthBytesPerSecond: 20_000_000 };
const defaultLimit = { downtimeLimitMs: 300 };
const noDowntime = { downtimeLimitMs: 0 };

/** A disk that has nothing in it, and takes no room. */
const emptyDisk = ['-blockdev', 'driver=null-co,node-name=empty,size=50000000000'];

/** Passes after which a migration is made to end, if it does not by itself. */
const cap = 20;
const capWithoutFilter = 3;

/** The times between two syncs, in ms, without the first two and those at the end, the shortest first. */
function gapsOf(times: readonly number[]): number[] {
  const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  return gaps.slice(1, cap - 1).sort((a, b) => a - b);
}

/** How a migration ended that may be made to end, after those passes. */
function migrate(qemu: Qemu, plan: MigrationPlan, options = guest) {
  return withPair(plain(qemu, options), async (pair) => {
    const events = pair.source.qmp.events('MIGRATION_PASS');
    const times: number[] = [];
    const watched = (async () => {
      for await (const { timestamp } of events) {
        times.push(timestamp.seconds * 1000 + timestamp.microseconds / 1000);
      }
    })();
    const { ram } = await pair.migrate(plan);
    events.close();
    await watched;
    expect(await pair.compare()).toMatchObject({ differentPages: 0, firstDifferent: [] });
    await expectRightGuest(pair, false);
    const gaps = gapsOf(times);
    return {
      passes: Number(ram?.['dirty-sync-count']),
      bytes: ram?.transferred ?? 0,
      shortestGap: gaps[0],
      medianGap: gaps[Math.floor(gaps.length / 2)],
    };
  });
}

function filtered(limit: Pick<MigrationPlan, 'downtimeLimitMs'>): MigrationPlan {
  return { ...withFilter('ph128'), ...slowLink, ...limit, passes: cap };
}

describe('a guest that stores values over themselves', () => {
  it('does not converge without the filter', async (context) => {
    const plan = { ...slowLink, ...defaultLimit, passes: capWithoutFilter };
    const ended = await migrate(needQemu(context), plan);
    expect(ended.passes).toBeGreaterThan(capWithoutFilter);
  });

  it.for(byName(some(methods, [0, 2, 3])))(
    'converges with the filter after a few passes, within the downtime limit, by %s',
    async ([, method], context) => {
      const ended = await migrate(needQemu(context), { ...method, ...filtered(defaultLimit) });
      // The first pass, one that finds that marks are fake, and what syncs of a busy machine may add.
      expect(ended.passes).toBeLessThan(cap);
      // So what was left when the guest stopped took a third of the limit to send: the clock says that only on an idle machine.
      expect(ended.bytes).toBeLessThan(guest.pages * 4096 * 1.05);
    },
  );

  it('does not converge where the guest marks pages faster than they can be looked at', async (context) => {
    const plan = { ...withFilter('sha256'), ...slowLink, ...defaultLimit, passes: cap };
    const { passes, medianGap } = await migrate(needQemu(context), plan, fastGuest);
    expect(passes).toBeGreaterThan(cap);
    expect(medianGap).toBeGreaterThan(45);
  });

  it.for(some(['R9'], []))(
    'converges all the same in a build with %s: what is marked during a rescan is not looked at',
    async (name, context) => {
      const plan = { ...withFilter('sha256'), ...slowLink, ...defaultLimit, passes: cap };
      expect((await migrate(needBrokenQemu(context, name), plan, fastGuest)).passes).toBeLessThan(
        cap,
      );
    },
  );

  it('converges although others owe what leaves no room for all of its marks', async (context) => {
    // A bitmap of 4 KiB granules over 50 GB counts as 12 MB until the very end; memory marks 20 of 30 MB.
    const qemu = needQemu(context);
    const debtor: GuestOptions = { pattern: 'rewrite', pages: 20 * mib, spins: 16 };
    const options = {
      ...plain(qemu, debtor),
      sourceArguments: emptyDisk,
      destinationArguments: emptyDisk,
    };
    const ended = await withPair(options, async (pair) => {
      for (const { qmp } of [pair.source, pair.destination]) {
        await qmp.execute('migrate-set-capabilities', {
          capabilities: [{ capability: 'dirty-bitmaps', state: true }],
        });
      }
      const bitmap = { node: 'empty', name: 'debt', granularity: 4096 };
      await pair.source.qmp.execute('block-dirty-bitmap-add', bitmap);
      const limits = { bandwidthBytesPerSecond: 100_000_000, ...defaultLimit };
      const { ram } = await pair.migrate({ ...withFilter('ph128'), ...limits, passes: cap });
      expect(await pair.compare()).toMatchObject({ differentPages: 0 });
      return Number(ram?.['dirty-sync-count']);
    });
    expect(ended).toBeLessThan(cap);
  });

  it('does not converge with a downtime limit of 0, and the source pauses between its looks', async (context) => {
    const { passes, medianGap } = await migrate(needQemu(context), filtered(noDowntime));
    expect(passes).toBeGreaterThan(cap);
    // An event may be late on a busy machine, and then the next one seems early.
    expect(medianGap).toBeGreaterThan(45);
  });

  it.for(some(['RESCAN'], []))(
    'is looked at without a pause in a build with %s: marks are taken as they are',
    async (name, context) => {
      const { shortestGap } = await migrate(needBrokenQemu(context, name), filtered(noDowntime));
      expect(shortestGap).toBeLessThan(45);
    },
  );

  it.for(some(['BANDWIDTH'], []))(
    'converges with a downtime limit of 0 in a build with %s: skips make the link seem slow',
    async (name, context) => {
      const qemu = needBrokenQemu(context, name);
      expect((await migrate(qemu, filtered(noDowntime))).passes).toBeLessThan(cap);
    },
  );
});
