// The clock of a workload's reports, and whether the workload makes progress after the migration.
import { setTimeout as delay } from 'node:timers/promises';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { WorkloadRun } from '../../../lib/lab/workloads/workload-run.js';

class OnPaper extends WorkloadRun {
  isOver = false;

  protected override get hasEnded(): boolean {
    return this.isOver;
  }

  report(operations: number): void {
    const receivedMs = this.elapsedMs;
    this.reports.push({
      ...{ receivedMs, atMs: receivedMs, operations },
      ...{ p50Us: null, p99Us: null, maxUs: null },
    });
  }

  stop() {
    return Promise.resolve([]);
  }

  abandon(): void {}
}

const { signal } = new AbortController();

/** The time as a workload sees it: a busy machine can't make it late. */
let nowMs: number;
beforeEach(() => {
  nowMs = 1000;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
  return () => clock.mockRestore();
});

/** Has that happen every 10 ms while something is awaited. */
async function meanwhile(happens: () => void, awaited: () => Promise<void>): Promise<void> {
  const timer = setInterval(() => {
    nowMs += 10;
    happens();
  }, 1);
  try {
    await awaited();
  } finally {
    clearInterval(timer);
  }
}

describe('the clock of a workload', () => {
  it('stands still while its guest is kept paused, and continues from there', () => {
    const work = new OnPaper();
    nowMs += 10;
    work.pauseClock();
    nowMs += 50;
    work.report(1);
    work.pauseClock();
    expect(work.elapsedMs).toBe(10);
    work.resumeClock();
    expect(work.elapsedMs).toBe(10);
    nowMs += 20;
    work.resumeClock();
    work.report(2);
    expect(work.reports.map(({ receivedMs }) => receivedMs)).toEqual([10, 30]);
  });
});

describe('a workload after the migration', () => {
  it('makes progress when it reports more operations', async () => {
    const work = new OnPaper();
    work.report(7);
    const more = work.untilProgress('operations', { minMs: 5000, signal });
    nowMs += 4999;
    work.report(8);
    await more;
  });

  it('makes no progress when it reports the same operations again, unless it idles', async () => {
    const work = new OnPaper();
    work.report(7);
    await meanwhile(
      () => work.report(7),
      async () => {
        await work.untilProgress('reports', { minMs: 5000, signal });
        await expect(work.untilProgress('operations', { minMs: 100, signal })).rejects.toThrow(
          /made no progress within \d+ ms after the move; .*7 operations/,
        );
      },
    );
    await meanwhile(
      () => {},
      () => expect(work.untilProgress('reports', { minMs: 50, signal })).rejects.toThrow(),
    );
  });

  it('may take three times as long as its longest pause so far, and no longer', async () => {
    const work = new OnPaper();
    nowMs += 200;
    work.report(7);
    const more = work.untilProgress('operations', { minMs: 1, signal });
    nowMs += 600;
    // It looks a few times in between.
    await delay(100);
    work.report(8);
    await more;
    const tooLate = work.untilProgress('operations', { minMs: 1, signal });
    nowMs += 3 * 600 + 1;
    await expect(tooLate).rejects.toThrow('within 1800 ms');
  });

  it('is not waited for when it has ended: stopping it gives the reason', async () => {
    const work = new OnPaper();
    const more = work.untilProgress('operations', { minMs: 60_000, signal });
    work.isOver = true;
    await more;
  });
});
