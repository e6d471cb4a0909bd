// A switch to post-copy at which no page is marked, the filter having taken the marks there were as fake. A
// destination that is told to discard nothing gives up, and the guest is lost: it needs a page to discard.
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { GuestOptions } from '../../../lib/qemu/machine/guest.js';
import { some } from '../../harness/methods-and-guests.js';
import { expectRightGuest, plain, timeout, withPair } from '../../harness/migrate-and-compare.js';
import type { MigrationPair } from '../../harness/migration-pair.js';
import { withFilter } from '../../harness/migration-plan.js';
import { needBrokenQemu, needQemu, needRoot } from '../../harness/requirements.js';

/** Stores values over themselves: whatever it has marked is fake. */
const guest: GuestOptions = { pattern: 'rewrite', pages: 4096 };
const limits = {
  downtimeLimitMs: 0,
  // So that the first pass takes long enough for QEMU to know how fast the link is.
  bandwidthBytesPerSecond: guest.pages * 4096 * 3,
};
const passesBefore = 3;
/** The source looks 50 ms apart: when the guest is paused halfway, the last look is over. */
const halfwayMs = 25;
/** On a busy machine that may be missed, or the guest may mark nothing for a while and arrive before. */
const attempts = 8;
const twoPages = 2 * 4096;

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
    ...withFilter('ph128'),
    ...limits,
    capabilities: { 'postcopy-ram': true },
  });
  const [{ ram }] = await Promise.all([migrated, switched]);
  return Number(ram?.['postcopy-bytes'] ?? 0);
}

describe('a switch to post-copy with nothing marked', () => {
  it('sends one page again, and memory is equal', { timeout }, async (context) => {
    needRoot(context, 'for userfaultfd');
    const options = plain(needQemu(context), guest);
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
    { timeout },
    async (name, context) => {
      needRoot(context, 'for userfaultfd');
      const options = plain(needBrokenQemu(context, name), guest);
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
