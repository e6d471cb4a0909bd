// How far a drain is never runs backwards, whatever its moves send.
import { expect, it } from 'vitest';
import { DrainProgress } from '../../lib/fleet/drain-progress.js';
import { type Move, methodSchema } from '../../lib/site/move.js';

function move(bytes: number): Move {
  const range = { low: bytes, expected: bytes, high: bytes };
  return {
    ...{ vm: 'a', from: 'h1', to: 'h2', reasons: [] },
    method: methodSchema.parse({ name: 'pre-copy' }),
    predicted: { timeMs: range, bytes: range, downtimeMs: range },
  };
}

it('is work done over work predicted, and the time left at the speed so far', () => {
  const progress = new DrainProgress([move(100), move(300)], 1000);
  expect(progress.position(0, 50, 2000)).toEqual({ percent: 12, leftMs: 7000 });
  expect(progress.position(1, 0, 3000)).toEqual({ percent: 25, leftMs: 6000 });
  expect(progress.position(1, 150, 4000)).toEqual({ percent: 62, leftMs: 1800 });
});

it('never runs backwards, and promises nothing that grows', () => {
  const moves = [move(100), move(1), move(1000), move(0)];
  const progress = new DrainProgress(moves, 0);
  let [percent, leftMs] = [0, Number.POSITIVE_INFINITY];
  for (let step = 0; step < 400; step += 1) {
    // Sends more than was predicted, and now and then begins anew.
    const sent = ((step * 37) % 100) * 20;
    const now = progress.position(Math.floor(step / 100), sent, step * 10);
    expect(now.percent).toBeGreaterThanOrEqual(percent);
    expect(now.percent).toBeLessThan(100);
    if (now.leftMs !== undefined) expect(now.leftMs).toBeLessThanOrEqual(leftMs);
    percent = now.percent;
    leftMs = now.leftMs ?? leftMs;
  }
});
