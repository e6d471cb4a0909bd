// What query-migrate says: the filter's figures add up at every moment and fit what was sent, and with
// the filter off there is nothing but what a QEMU without the series says.
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { GuestOptions } from '../../../lib/qemu/machine/guest.js';
import type { FakeDirtyInfo, FakeDirtyPass } from '../../../lib/qmp/schema/fake-dirty.js';
import type { MigrationInfo } from '../../../lib/qmp/schema/migration.js';
import { FaultyLink } from '../../harness/faulty-link.js';
import { byName, methods, some } from '../../harness/methods-and-guests.js';
import {
  despiteLatePackets,
  filterCountsOf,
  migrateWith,
  plain,
  withPair,
} from '../../harness/migrate-and-compare.js';
import { MigrationPair } from '../../harness/migration-pair.js';
import { type MigrationPlan, withFilter } from '../../harness/migration-plan.js';
import { needQemu, type Qemu } from '../../harness/requirements.js';

const random: GuestOptions = { pattern: 'random', pages: 2048, wordsPerPage: 8 };
const rewrite: GuestOptions = { pattern: 'rewrite', pages: 2048, wordsPerPage: 16 };
const figures = ['checked', 'first', 'zero', 'changed', 'unchanged', 'time-ns'] as const;

function expectSum(counted: FakeDirtyInfo | FakeDirtyPass): void {
  const { checked, first, zero, changed, unchanged } = counted;
  expect(first + zero + changed + unchanged).toBe(checked);
}

/** So many answers at least, however busy the machine is. */
const minSamples = 20;

/** Asks without a pause during a migration, which goes on for so long; returns the answers from when the filter began. */
async function sampled(
  pair: MigrationPair,
  plan: MigrationPlan,
): Promise<Record<string, unknown>[]> {
  const samples: Record<string, unknown>[] = [];
  let running = true;
  const sampling = (async () => {
    while (running) {
      // Before it begins there is nothing to tell.
      const counts = await pair.source.qmp.query('query-migrate', { schema: z.looseObject({}) });
      if (counts['fake-dirty']) samples.push(counts);
    }
  })();
  const until = () =>
    samples.length > minSamples &&
    filterCountsOf(samples.at(-1) ?? {}).passes.length >= (plan.passes ?? 0);
  // With a limit of 0 it does not end by itself, even where the guest hardly gets a processor.
  const last = await pair.migrate({ downtimeLimitMs: 0, ...plan, until });
  running = false;
  await sampling;
  return [...samples, last];
}

describe('at every moment of a migration', () => {
  it.for(byName(some(methods, [0, 1, 2, 3])))(
    'the counters add up and never fall, by %s',
    async ([, method], context) => {
      await withPair(plain(needQemu(context), random), async (pair) => {
        const samples = (await sampled(pair, { ...method, ...withFilter('ph128'), passes: 5 })).map(
          filterCountsOf,
        );
        expect(samples.length).toBeGreaterThan(minSamples);
        for (const [index, now] of samples.entries()) {
          expectSum(now);
          for (const pass of now.passes) expectSum(pass);
          const inPasses = now.passes.reduce((sum, { checked }) => sum + checked, 0);
          expect(inPasses).toBeLessThanOrEqual(now.checked);
          const before = samples[index - 1] ?? now;
          for (const name of figures) expect(now[name]).toBeGreaterThanOrEqual(before[name]);
        }
      });
    },
  );
});

/** Migrates over a link that counts what passes it. */
async function migrateCounting(pair: MigrationPair, plan: MigrationPlan) {
  await using link = await FaultyLink.before(pair);
  const counts = await pair.migrate({ ...plan, through: link.path });
  return { counts, wireBytes: link.forwardedBytes };
}

describe('at the end of a migration', () => {
  const list = methods.filter(({ name }) => ['plain', 'multifd none', 'TLS'].includes(name));

  it.for(byName(list))(
    'the counters agree with the bytes on the wire, by %s',
    async ([, method], context) => {
      await withPair(plain(needQemu(context), rewrite), async (pair) => {
        // With a millisecond allowed, which looking at all of them may take, one look could be the last.
        const plan = { ...method, ...withFilter('ph128'), downtimeLimitMs: 0, passes: 5 };
        const { counts, wireBytes } = await migrateCounting(pair, plan);
        const filter = filterCountsOf(counts);
        const { normal = 0, duplicate = 0, transferred = 0 } = counts.ram ?? {};
        expect(filter.first + filter.zero + filter.changed).toBe(normal + duplicate);
        // A header a page, and what devices and packets take.
        const [least, more] = [normal * 4096, (normal + duplicate) * 32 + (1 << 20)];
        expect(transferred).toBeGreaterThan(least);
        expect(transferred).toBeLessThan(least + more);
        // Beyond what QEMU counts the wire carries devices, and the records of TLS.
        expect(wireBytes).toBeGreaterThanOrEqual(transferred);
        expect(wireBytes).toBeLessThan(transferred * 1.02 + (1 << 18));
        expect(filter.unchanged).toBeGreaterThan(rewrite.pages);
        expect(filter['bytes-saved']).toBeLessThanOrEqual(filter.unchanged * 4096);
        expect(filter['bytes-saved']).toBeGreaterThan(rewrite.pages * 4096);
        expect(filter['time-ns']).toBeGreaterThan(0);
      });
    },
  );
});

describe('where all marks are fake', () => {
  const guest: GuestOptions = { pattern: 'rewrite', pages: 8192 };
  const [limit, ms] = [100_000, 3000];

  it.for(byName(methods.filter(({ name }) => ['plain', 'multifd none'].includes(name))))(
    'no more goes over the wire than max-bandwidth allows, by %s',
    async ([, method], context) => {
      await withPair(plain(needQemu(context), guest), async (pair) => {
        await using link = await FaultyLink.before(pair);
        const plan = { ...method, ...withFilter('ph128'), through: link.path };
        let sent = Number.POSITIVE_INFINITY;
        const counts = await migrateWith(pair, plan, 2, async () => {
          const { qmp } = pair.source;
          await qmp.execute('migrate-set-parameters', { 'max-bandwidth': limit });
          // What was allowed before has left by then.
          await pause(500);
          const before = link.forwardedBytes;
          await pause(ms);
          sent = link.forwardedBytes - before;
        });
        expect(filterCountsOf(counts).unchanged).toBeGreaterThan(guest.pages);
        expect(counts.ram?.['dirty-sync-count']).toBeGreaterThan(5);
        expect(sent).toBeLessThan((limit * ms * 1.5) / 1000);
      });
    },
  );
});

describe('the monitor', () => {
  it('lets a person set the filter, and shows what it did', async (context) => {
    await withPair(plain(needQemu(context), rewrite), async (pair) => {
      const { qmp } = pair.source;
      const monitor = (line: string) =>
        qmp.query('human-monitor-command', {
          schema: z.string(),
          arguments: { 'command-line': line },
        });
      expect(await monitor('info migrate_parameters')).toMatch(/^fake-dirty-hash: ph128\r?$/m);
      expect(await monitor('migrate_set_parameter fake-dirty-hash sha257')).toMatch(/sha257/);
      expect(await monitor('migrate_set_parameter fake-dirty-hash sha1')).toBe('');
      expect(await monitor('migrate_set_capability fake-dirty-filter on')).toMatch(
        /'sha1' is unsafe/,
      );
      expect(await monitor('migrate_set_parameter fake-dirty-unsafe-hash on')).toBe('');
      expect(await monitor('migrate_set_parameter fake-dirty-verify on')).toBe('');
      expect(await monitor('migrate_set_parameter fake-dirty-max-memory 512M')).toBe('');
      expect(await monitor('migrate_set_parameter fake-dirty-max-cpu 150')).toBe('');
      expect(await monitor('migrate_set_parameter fake-dirty-sampling off')).toBe('');
      const parameters = await monitor('info migrate_parameters');
      expect(parameters).toMatch(/^fake-dirty-hash: sha1\r?$/m);
      expect(parameters).toMatch(/^fake-dirty-max-memory: 536870912 bytes\r?$/m);
      expect(parameters).toMatch(/^fake-dirty-max-cpu: 150 %\r?$/m);
      expect(parameters).toMatch(/^fake-dirty-sampling: off\r?$/m);
      expect(await monitor('migrate_set_capability fake-dirty-filter on')).toBe('');
      // All that the migration knows of the filter was set here.
      const counts = await pair.migrate({ passes: 5 });
      const told = await monitor('info migrate');
      const { checked, unchanged } = filterCountsOf(counts);
      expect(told).toMatch(/sha1/);
      expect(told).toContain(String(checked));
      expect(told).toContain(String(unchanged));
    });
  });

  it('sends programs an event with the counters of each pass', async (context) => {
    await withPair(plain(needQemu(context), random), async (pair) => {
      const events = pair.source.qmp.events('MIGRATION_FAKE_DIRTY_PASS');
      const passes: Record<string, unknown>[] = [];
      const listening = (async () => {
        for await (const { data } of events) passes.push(data);
      })();
      const counts = await pair.migrate({ ...withFilter('ph128'), passes: 5 });
      events.close();
      await listening;
      expect(passes.length).toBeGreaterThanOrEqual(5);
      const told = filterCountsOf(counts).passes;
      for (const pass of told.slice(0, passes.length)) expect(passes).toContainEqual(pass);
    });
  });
});

describe('query-migrate with the filter off', () => {
  /** The names of all members, those inside of others included. */
  function membersOf(value: unknown, path = ''): string[] {
    if (typeof value !== 'object' || value === null) return [path];
    return Object.entries(value).flatMap(([name, member]) => membersOf(member, `${path}/${name}`));
  }

  const counter = z.record(z.string(), z.unknown()).default({});
  const exact = [
    ...['total', 'normal', 'duplicate', 'normal-bytes', 'page-size', 'skipped', 'remaining'],
    ...['postcopy-requests', 'postcopy-bytes', 'dirty-sync-missed-zero-copy'],
  ];
  const exactIn = { 'xbzrle-cache': ['cache-size', 'bytes', 'pages', 'cache-miss', 'overflow'] };
  const similar = ['transferred', 'precopy-bytes', 'downtime-bytes'];

  /**
   * QEMU 7.2 without the series counts a page too many, compressed or zero, each time when a thread that has nothing is
   * flushed; and either QEMU may take a thread's next page for the kind of the one before.
   */
  function expectEachPageOnce({ ram, compression }: MigrationInfo): void {
    const { pages } = z.looseObject({ pages: z.number() }).parse(compression);
    const sent = Number(ram?.normal) + Number(ram?.duplicate) + pages;
    expect(sent).toBe(Number(ram?.total) / Number(ram?.['page-size']));
  }

  /** Migrates a guest that has been stopped: what is counted is the same each time. */
  async function countsOf({ binary }: Qemu, plan: MigrationPlan): Promise<MigrationInfo> {
    const options = { binary, accelerator: 'tcg', guest: random } as const;
    const pair = await MigrationPair.start(options);
    try {
      await pair.source.qmp.execute('stop');
      return await pair.migrate(plan);
    } finally {
      await pair.close();
    }
  }

  it.for(byName(some(methods, [0, 1, 2, 3])))(
    'has the members and counters of an unpatched QEMU, by %s',
    async ([, method], context) => {
      const other = needQemu(context, { unpatched: true });
      const patched = await countsOf(needQemu(context), method);
      const unpatched = await despiteLatePackets(() => countsOf(other, method));
      expect(membersOf(patched).sort()).toEqual(membersOf(unpatched).sort());
      const compress = method.name === 'compress';
      for (const name of exact) {
        if (compress && name === 'duplicate') continue;
        expect(patched.ram?.[name], name).toEqual(unpatched.ram?.[name]);
      }
      if (compress) expectEachPageOnce(patched);
      for (const [group, names] of Object.entries(exactIn)) {
        const [ours, theirs] = [patched, unpatched].map((counts) => counter.parse(counts[group]));
        for (const name of names) expect(ours?.[name], name).toEqual(theirs?.[name]);
      }
      // How often it stops to look at the clock is told in the stream; and a channel of 8.1 counts a packet with nothing
      // in it with the size of the one before, whenever a sync finds it without pages.
      if (method.name.startsWith('multifd')) return;
      for (const name of similar) {
        const [ours, theirs] = [patched, unpatched].map(({ ram }) => Number(ram?.[name]));
        expect(Math.abs(Number(ours) - Number(theirs)), name).toBeLessThan(1 << 16);
      }
    },
  );
});
