// Passes made of QEMU's counters: whatever was asked when, nothing is lost and nothing counted twice.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firstAndRetransferred, type Pass, passSchema } from '../../lib/migration/pass.js';
import { PassTracker } from '../../lib/migration/pass-tracker.js';
import { type MigrationInfo, migrationInfo } from '../../lib/qmp/schema/migration.js';

const pageBytes = 4096;

interface Counters {
  readonly syncs: number;
  readonly pages: number;
  readonly zeros: number;
  readonly remaining: number;
  readonly unchanged: number;
}

/** query-migrate with these counters; `passUnchanged` are the unchanged pages of each pass that has ended. */
function answer(
  { syncs, pages, zeros, remaining, unchanged }: Counters,
  status: string,
  passUnchanged: readonly number[],
  total = 1 << 30,
): MigrationInfo {
  const counts = (pagesUnchanged: number) => ({
    checked: pagesUnchanged,
    first: 0,
    zero: 0,
    changed: 0,
    unchanged: pagesUnchanged,
    'bytes-saved': pagesUnchanged * pageBytes,
    'time-ns': 0,
  });
  return migrationInfo.parse({
    status,
    ram: {
      transferred: pages * pageBytes + zeros,
      remaining: remaining * pageBytes,
      total,
      duplicate: zeros,
      normal: pages,
      'normal-bytes': pages * pageBytes,
      'dirty-pages-rate': 0,
      mbps: 0,
      'dirty-sync-count': syncs,
      'postcopy-requests': 0,
      'page-size': pageBytes,
      'multifd-bytes': 0,
      'pages-per-second': 0,
    },
    'fake-dirty': {
      hash: 'ph128',
      verify: false,
      'table-bytes': 0,
      ...counts(unchanged),
      'false-skips': 0,
      bandwidth: 0,
      'changed-pages-rate': 0,
      passes: passUnchanged.map((each, index) => ({ pass: index + 2, ...counts(each) })).slice(-16),
    },
  });
}

const step = fc.record({
  ms: fc.integer({ min: 1, max: 5000 }),
  pages: fc.nat(1000),
  zeros: fc.nat(1000),
  unchanged: fc.nat(1000),
  remaining: fc.nat(1000),
  syncs: fc.nat(2),
  /** Another process goes on from here, with the passes that have ended. */
  isTakenOver: fc.boolean(),
});

describe('passes', () => {
  it('add up to the counters of QEMU, whenever and by however many processes that was asked', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), (steps) => {
        let tracker = new PassTracker();
        const passes: Pass[] = [];
        const ended: number[] = [];
        let now = { syncs: 1, pages: 0, zeros: 0, remaining: 0, unchanged: 0 };
        let openUnchanged = 0;
        let elapsedMs = 0;
        steps.forEach(({ ms, syncs, isTakenOver, ...more }, index) => {
          elapsedMs += ms;
          openUnchanged += more.unchanged;
          now = {
            syncs: now.syncs + syncs,
            pages: now.pages + more.pages,
            zeros: now.zeros + more.zeros,
            unchanged: now.unchanged + more.unchanged,
            remaining: more.remaining,
          };
          for (let sync = 0; sync < syncs; sync += 1) {
            ended.push(openUnchanged);
            openUnchanged = 0;
          }
          const status = index === steps.length - 1 ? 'completed' : 'active';
          const pass = tracker.add({ elapsedMs, info: answer(now, status, ended) });
          if (pass) passes.push(passSchema.parse(pass));
          if (isTakenOver) tracker = new PassTracker(true, [...passes]);
        });
        const sum = (value: (pass: Pass) => number) =>
          passes.reduce((total, pass) => total + value(pass), 0);
        expect(sum(({ sentBytes }) => sentBytes)).toBe(now.pages * pageBytes + now.zeros);
        expect(sum(({ normalPages }) => normalPages)).toBe(now.pages);
        expect(sum(({ zeroPages }) => zeroPages)).toBe(now.zeros);
        expect(sum(({ verdicts }) => verdicts?.unchanged ?? 0)).toBe(now.unchanged);
        expect(sum(({ endMs, startMs }) => endMs - startMs)).toBe(elapsedMs);
        const { td, rd } = firstAndRetransferred(passes);
        expect(td + rd).toBe(now.pages * pageBytes + now.zeros);
        // Numbers go up by what is merged, and begin at 1.
        let number = 0;
        for (const pass of passes) {
          number += pass.merged;
          expect(pass.number).toBe(number);
        }
      }),
    );
  });

  it('say how many pages were marked when each ended', () => {
    const tracker = new PassTracker();
    const at = (syncs: number, pages: number, remaining: number) =>
      answer({ syncs, pages, zeros: 0, remaining, unchanged: 0 }, 'active', []);
    expect(tracker.add({ elapsedMs: 10, info: at(1, 5, 95) })).toBeUndefined();
    expect(tracker.add({ elapsedMs: 100, info: at(2, 100, 40) })).toMatchObject({
      number: 1,
      merged: 1,
      phase: 'pre-copy',
      startMs: 0,
      endMs: 100,
      dirtyPages: 40,
    });
    expect(tracker.add({ elapsedMs: 300, info: at(5, 160, 20) })).toMatchObject({
      number: 4,
      merged: 3,
      startMs: 100,
      normalPages: 60,
    });
  });

  it('end when QEMU ended them, even if it was asked later', () => {
    const tracker = new PassTracker();
    const at = (syncs: number, pages: number, remaining: number) =>
      answer({ syncs, pages, zeros: 0, remaining, unchanged: 0 }, 'active', [], 100 * pageBytes);
    // Of the 50 pages that were marked 30 have been sent since.
    const first = { elapsedMs: 200, passEndedMs: 150, info: at(2, 130, 20) };
    expect(tracker.add(first)).toMatchObject({
      endMs: 150,
      dirtyPages: 50,
      normalPages: 100,
      sentBytes: 100 * pageBytes,
    });
    // The other 20, and 45 of the 60 that were marked then.
    const second = { elapsedMs: 300, passEndedMs: 220, info: at(3, 195, 15) };
    expect(tracker.add(second)).toMatchObject({
      startMs: 150,
      endMs: 220,
      dirtyPages: 60,
      normalPages: 50,
      sentBytes: 50 * pageBytes,
    });
    // Two passes that were not told apart: as many pages in each.
    expect(tracker.add({ elapsedMs: 500, info: at(5, 300, 10) })).toMatchObject({
      merged: 2,
      dirtyPages: 50,
    });
  });

  it('do not count pages that the next pass has skipped since', () => {
    const tracker = new PassTracker();
    const total = 100 * pageBytes;
    // All 80 that were marked have been looked at by now, and hold what they held.
    const counters = { syncs: 2, pages: 100, zeros: 0, remaining: 0, unchanged: 80 };
    const info = answer(counters, 'active', [0], total);
    expect(tracker.add({ elapsedMs: 200, passEndedMs: 150, info })).toMatchObject({
      dirtyPages: 80,
      normalPages: 100,
      sentBytes: total,
    });
  });

  it('begin where a late observer begins to watch', () => {
    const tracker = new PassTracker(false);
    const at = (syncs: number, pages: number, remaining: number) =>
      answer({ syncs, pages, zeros: 0, remaining, unchanged: 0 }, 'active', []);
    expect(tracker.add({ elapsedMs: 10, info: at(7, 1000, 100) })).toBeUndefined();
    expect(tracker.add({ elapsedMs: 20, info: at(8, 1100, 1) })).toMatchObject({
      number: 7,
      merged: 1,
      normalPages: 100,
      dirtyPages: 1,
    });
  });
});
