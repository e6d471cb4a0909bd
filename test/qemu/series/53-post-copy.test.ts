// Post-copy after a pre-copy with the filter: a switch when no page is marked, pages that the source releases, and a
// connection that breaks.
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { mebibyte } from '../../../lib/format/bytes.js';
import type { GuestOptions } from '../../../lib/qemu/machine/guest.js';
import { some } from '../../harness/methods-and-guests.js';
import { expectRightGuest, plain, withPair } from '../../harness/migrate-and-compare.js';
import type { MigrationPair } from '../../harness/migration-pair.js';
import { withFilter } from '../../harness/migration-plan.js';
import { needBrokenQemu, needQemu, needRoot, type Qemu } from '../../harness/requirements.js';

const filter = withFilter('ph128');
const random: GuestOptions = { pattern: 'random', pages: 2048, wordsPerPage: 8 };
/** Stores values over themselves: whatever it has marked is fake. */
const rewrite: GuestOptions = { pattern: 'rewrite', pages: 4096 };
const passesBefore = 3;
const limits = {
  downtimeLimitMs: 100,
  bandwidthBytesPerSecond: rewrite.pages * 4096 * 3,
};
const passesUntilNothing = 3;
const twoPages = 2 * 4096;
const lookMs = 10;

/** A disk that has nothing in it, and takes no room. */
const emptyDisk = ['-blockdev', 'driver=null-co,node-name=empty,size=100000000000'];
/** QEMU takes a bitmap of it for 24 MB until it is sent: more than may be left for the end of the migration. */
const bitmap = { node: 'empty', name: 'changes', granularity: 4096 };

/** A pair that migrates a dirty bitmap as well, so that it waits for post-copy. */
function withBitmap<T>(qemu: Qemu, guest: GuestOptions, work: (pair: MigrationPair) => Promise<T>) {
  const options = {
    ...plain(qemu, guest),
    sourceArguments: emptyDisk,
    destinationArguments: emptyDisk,
  };
  return withPair(options, async (pair) => {
    const capabilities = [{ capability: 'dirty-bitmaps', state: true }];
    await pair.destination.qmp.execute('migrate-set-capabilities', { capabilities });
    await pair.source.qmp.execute('block-dirty-bitmap-add', bitmap);
    return work(pair);
  });
}

/**
 * Pauses the guest and waits until all that it had marked has been sent or taken for fake; then asks for post-copy.
 * Returns how much was sent after the switch.
 */
async function sentWithNothingMarked(pair: MigrationPair): Promise<number> {
  const { qmp } = pair.source;
  const passes = qmp.events('MIGRATION_PASS');
  const switched = passes
    .until(({ data: { pass } }) => Number(pass) > passesBefore)
    .then(async () => {
      await qmp.execute('stop');
      // A sync finds what was marked before that, a pass takes it for fake, and the next sync finds nothing.
      for (let pass = 0; pass < passesUntilNothing; pass += 1) await passes.next();
      await qmp.execute('migrate-start-postcopy');
    })
    .finally(() => passes.close());
  const migrated = pair.migrate({
    ...filter,
    ...limits,
    capabilities: { 'postcopy-ram': true, 'dirty-bitmaps': true },
  });
  const [{ ram }] = await Promise.all([migrated, switched]);
  return Number(ram?.['postcopy-bytes'] ?? 0);
}

/**
 * RAM is completed when post-copy begins, with the guest stopped. QEMU without the series leaves its last sync out,
 * because the state is that of post-copy by then, and what the guest wrote last is lost.
 */
describe('a switch to post-copy of dirty bitmaps alone', () => {
  it.for([
    ['with the filter', filter, false],
    ['with the filter, and pages that the source releases', filter, true],
    ['without the filter', {}, false],
  ] as const)(
    'leaves the guest with the right memory, %s',
    async ([, method, releases], context) => {
      // Little enough for RAM to be ready for the end at any time.
      const small: GuestOptions = { ...random, pages: 64 };
      await withBitmap(needQemu(context), small, async (pair) => {
        const { qmp } = pair.source;
        const passes = qmp.events('MIGRATION_PASS');
        const switched = passes
          .until(({ data: { pass } }) => Number(pass) > passesBefore)
          .then(() => qmp.execute('migrate-start-postcopy'))
          .finally(() => passes.close());
        const capabilities = { 'dirty-bitmaps': true, 'release-ram': releases };
        const migrated = pair.migrate({ ...method, ...limits, capabilities });
        await Promise.all([migrated, switched]);
        const right = { differentPages: 0, firstDifferent: [] };
        // What has been given back can't be compared.
        if (!releases) expect(await pair.compare()).toMatchObject(right);
        await expectRightGuest(pair, false);
      });
    },
  );
});

/**
 * The filter may have taken all marks there were as fake. A destination that is told to discard nothing gives up, and
 * the guest is lost: it needs a page to discard.
 */
describe('a switch to post-copy with nothing marked', () => {
  it('sends one page again, and memory is equal', async (context) => {
    needRoot(context, 'for userfaultfd');
    await withBitmap(needQemu(context), rewrite, async (pair) => {
      const sent = await sentWithNothingMarked(pair);
      expect(sent).toBeGreaterThan(0);
      expect(sent).toBeLessThan(twoPages);
      expect(await pair.compare()).toMatchObject({ differentPages: 0, firstDifferent: [] });
      await expectRightGuest(pair, false);
    });
  });

  it.for(some(['POSTCOPY'], [0]))(
    'loses the destination in a build with %s: no page is sent',
    async (name, context) => {
      needRoot(context, 'for userfaultfd');
      await withBitmap(needBrokenQemu(context, name), rewrite, async (pair) => {
        const { ended } = pair.destination;
        const migrated = sentWithNothingMarked(pair).catch(() => ended);
        const end = await Promise.race([ended, migrated]);
        const output = expect.stringMatching(/POSTCOPY_RUN in wrong postcopy state/);
        expect(end).toMatchObject({ output });
      });
    },
  );
});

describe('post-copy', () => {
  it('with release-ram leaves the guest with the right memory', async (context) => {
    needRoot(context, 'for userfaultfd');
    await withPair(plain(needQemu(context), random), async (pair) => {
      const plan = { ...filter, passes: 2, postcopy: true };
      const { ram } = await pair.migrate({ ...plan, capabilities: { 'release-ram': true } });
      expect(ram?.['postcopy-bytes']).toBeGreaterThan(0);
      // The source has given its pages back: there is nothing to compare with.
      await expectRightGuest(pair, false);
    });
  });

  it('recovers from a broken connection with equal memory', async (context) => {
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
