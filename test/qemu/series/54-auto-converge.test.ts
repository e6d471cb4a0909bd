// Auto-converge with the filter: a guest is slowed down for what it really changes, not for fake dirty pages.
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { GuestOptions } from '../../../lib/qemu/machine/guest.js';
import { some } from '../../harness/methods-and-guests.js';
import { plain, withPair } from '../../harness/migrate-and-compare.js';
import type { MigrationPair } from '../../harness/migration-pair.js';
import { type MigrationMethod, withFilter } from '../../harness/migration-plan.js';
import { needBrokenQemu, needQemu } from '../../harness/requirements.js';

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
          'query-migrate',
          { schema: throttled },
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

  it('does not throttle a guest for pages that are skipped', async (context) => {
    const qemu = needQemu(context);
    // The guest must be throttled without the filter, or this says nothing.
    await withPair(plain(qemu, rewrite), async (pair) => {
      expect(await throttleOf(pair, slowPasses)).toBeGreaterThan(0);
    });
    await withPair(plain(qemu, rewrite), async (pair) => {
      expect(await throttleOf(pair, fastPasses, filter)).toBe(0);
    });
  });

  it('throttles a guest whose fake marks take longer to look at than the downtime limit', async (context) => {
    const many: GuestOptions = { ...rewrite, pages: 64 * 256, wordsPerPage: 1 };
    await withPair(plain(needQemu(context), many), async (pair) => {
      const slow = { ...withFilter('sha256'), downtimeLimitMs: 1 };
      expect(await throttleOf(pair, fastPasses, slow)).toBeGreaterThan(0);
    });
  });

  it.for(some(['THROTTLE'], []))(
    'throttles a guest for skipped pages in a build with %s: fake marks count like others',
    async (name, context) => {
      await withPair(plain(needBrokenQemu(context, name), rewrite), async (pair) => {
        expect(await throttleOf(pair, fastPasses, filter)).toBeGreaterThan(0);
      });
    },
  );

  it('throttles a guest for pages that really change', async (context) => {
    await withPair(plain(needQemu(context), random), async (pair) => {
      expect(await throttleOf(pair, slowPasses)).toBeGreaterThan(0);
    });
  });
});
