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
import { needBrokenQemu, needQemu, needRoot } from '../../harness/requirements.js';

const filter = withFilter('ph128');
const random: GuestOptions = { pattern: 'random', pages: 2048, wordsPerPage: 8 };
/** Stores values over themselves: whatever it has marked is fake. */
const rewrite: GuestOptions = { pattern: 'rewrite', pages: 4096 };
const limits = {
  downtimeLimitMs: 0,
  // So that the first pass takes long enough for QEMU to know how fast the link is.
  bandwidthBytesPerSecond: rewrite.pages * 4096 * 3,
};
const passesBefore = 3;
/** The source looks 50 ms apart: when the guest is paused halfway, the last look is over. */
const halfwayMs = 25;
/** On a busy machine that may be missed, or the guest may mark nothing for a while and arrive before. */
const attempts = 40;
const twoPages = 2 * 4096;
const lookMs = 10;

/**
 * Pauses the guest while the source waits before it looks again at what is marked, and asks for post-copy: that
 * look finds all of it fake, and then nothing is marked any more. Returns how much was sent after the switch.
 */
async function sentWithNothingMarked(pair: MigrationPair): Promise<number> {
  const { qmp } = pair.source;
  const passes = qmp.events('MIGRATION_PASS');
  const switched = passes
    .until(({ data: { pass } }) => Number(pass) > passesBefore)
    .then(() => pause(halfwayMs))
    .then(() => qmp.execute('stop'))
    .then(() => qmp.execute('migrate-start-postcopy'))
    .finally(() => passes.close());
  const migrated = pair.migrate({
    ...filter,
    ...limits,
    capabilities: { 'postcopy-ram': true },
  });
  const [{ ram }] = await Promise.all([migrated, switched]);
  return Number(ram?.['postcopy-bytes'] ?? 0);
}

const emptyDisk = ['-blockdev', 'driver=null-co,node-name=empty,size=1000000000'];

/**
 * RAM is completed when post-copy begins, with the guest stopped. QEMU without the series leaves its last sync out,
 * because the state is that of post-copy by then, and what the guest wrote last is lost.
 */
describe('a switch to post-copy of dirty bitmaps alone', () => {
  it.for([['with the filter', filter] as const, ['without the filter', {}] as const])(
    'leaves equal memory, %s',
    async ([, method], context) => {
      const options = {
        ...plain(needQemu(context), random),
        sourceArguments: emptyDisk,
        destinationArguments: emptyDisk,
      };
      await withPair(options, async (pair) => {
        const capabilities = [{ capability: 'dirty-bitmaps', state: true }];
        await pair.destination.qmp.execute('migrate-set-capabilities', { capabilities });
        const bitmap = { node: 'empty', name: 'changes' };
        await pair.source.qmp.execute('block-dirty-bitmap-add', bitmap);
        const { qmp } = pair.source;
        const passes = qmp.events('MIGRATION_PASS');
        const switched = passes
          .until(({ data: { pass } }) => Number(pass) > passesBefore)
          .then(() => qmp.execute('migrate-start-postcopy'))
          .finally(() => passes.close());
        const migrated = pair.migrate({
          ...method,
          ...limits,
          capabilities: { 'dirty-bitmaps': true, 'release-ram': true },
        });
        await Promise.all([migrated, switched]);
        expect(await pair.compare()).toMatchObject({ differentPages: 0, firstDifferent: [] });
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
    const options = plain(needQemu(context), rewrite);
    for (let attempt = 1, sent = 0; sent === 0 || sent >= twoPages; attempt += 1) {
      expect(attempt, 'it was missed each time').toBeLessThanOrEqual(attempts);
      await withPair(options, async (pair) => {
        sent = await sentWithNothingMarked(pair);
        expect(await pair.compare()).toMatchObject({ differentPages: 0, firstDifferent: [] });
        await expectRightGuest(pair, false);
      });
    }
  });

  it.for(some(['POSTCOPY'], [0]))(
    'loses the destination in a build with %s: no page is sent',
    async (name, context) => {
      needRoot(context, 'for userfaultfd');
      const options = plain(needBrokenQemu(context, name), rewrite);
      for (let attempt = 1, lost = false; !lost; attempt += 1) {
        expect(attempt, 'it was missed each time').toBeLessThanOrEqual(attempts);
        await withPair(options, async (pair) => {
          const { ended } = pair.destination;
          const migrated = sentWithNothingMarked(pair).catch(() => ended);
          const end = await Promise.race([ended, migrated]);
          lost = typeof end !== 'number';
          if (lost)
            expect(end).toMatchObject({
              output: expect.stringMatching(/POSTCOPY_RUN in wrong postcopy state/),
            });
        });
      }
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
