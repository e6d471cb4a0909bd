// The clock of a workload's reports, and whether the workload makes progress after the migration.
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
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

describe('the clock of a workload', () => {
  it('stands still while its guest is kept paused, and continues from there', async () => {
    const work = new OnPaper();
    await delay(10);
    work.pauseClock();
    const heldAtMs = work.elapsedMs;
    await delay(50);
    work.report(1);
    work.pauseClock();
    expect(work.elapsedMs).toBe(heldAtMs);
    work.resumeClock();
    expect(work.elapsedMs).toBeGreaterThanOrEqual(heldAtMs);
    expect(work.elapsedMs).toBeLessThan(heldAtMs + 40);
    await delay(20);
    work.resumeClock();
    work.report(2);
    const [during, after] = work.reports.map(({ receivedMs }) => receivedMs);
    expect(during).toBe(heldAtMs);
    expect(after).toBeGreaterThan(heldAtMs + 15);
  });
});

describe('a workload after the migration', () => {
  it('makes progress when it reports more operations', async () => {
    const work = new OnPaper();
    work.report(7);
    const more = work.untilProgress('operations', { minMs: 5000, signal });
    await delay(30);
    work.report(8);
    await more;
  });

  it('makes no progress when it reports the same operations again, unless it idles', async () => {
    const work = new OnPaper();
    work.report(7);
    const same = setInterval(() => work.report(7), 10);
    try {
      await work.untilProgress('reports', { minMs: 5000, signal });
      await expect(work.untilProgress('operations', { minMs: 100, signal })).rejects.toThrow(
        /made no progress within \d+ ms after the move; .*7 operations/,
      );
    } finally {
      clearInterval(same);
    }
    await expect(work.untilProgress('reports', { minMs: 50, signal })).rejects.toThrow();
  });

  it('may take three times as long as its longest pause so far', async () => {
    const work = new OnPaper();
    await delay(200);
    work.report(7);
    const more = work.untilProgress('operations', { minMs: 1, signal });
    await delay(300);
    work.report(8);
    await more;
  });

  it('is not waited for when it has ended: stopping it gives the reason', async () => {
    const work = new OnPaper();
    const more = work.untilProgress('operations', { minMs: 60_000, signal });
    work.isOver = true;
    await more;
  });
});
