// Predictions of simulated migrations, compared with how these end; and replays.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PolicyEvaluation } from '../../lib/migration/decision.js';
import { adaptiveStop } from '../../lib/policy/adaptive-stop.js';
import { giveUp } from '../../lib/policy/limits.js';
import { type Prediction, predict } from '../../lib/policy/prediction.js';
import { evaluatePredictions, replay } from '../../lib/policy/replay.js';
import { busy, calm, type Guest, mostlyFake, observe, preCopy, recordingOf } from './simulation.js';

function predicted(guest: Guest, count: number, choice: Prediction['choice']): Prediction {
  const { passes } = preCopy(guest, { count });
  const found = predict(observe(guest, passes))?.predictions.find((each) => each.choice === choice);
  if (!found) throw new Error(`nothing is predicted for ${choice}`);
  return found;
}

describe('a prediction', () => {
  it('needs a pass that has ended', () => {
    expect(predict(observe(busy, []))).toBeUndefined();
  });

  it.each([
    ['calm', calm],
    ['mostly fake', { ...mostlyFake, markedPagesPerMs: 20, linkBytesPerMs: 20_000 }],
  ])('of a guest that is %s is near the outcome, which lies within the error bars', (_, guest) => {
    const { passes, totalMs = Number.NaN } = preCopy(guest, { count: 50 });
    for (let count = 1; count < passes.length; count += 1) {
      const { totalMs: range } = predicted(guest, count, 'go-on');
      expect(range.low).toBeLessThanOrEqual(totalMs * 1.01);
      expect(range.high).toBeGreaterThanOrEqual(totalMs * 0.99);
      if (count >= 3) expect(Math.abs(range.expected / totalMs - 1)).toBeLessThan(0.1);
    }
  });

  it('is infinite for a migration that never ends', () => {
    expect(predicted(busy, 4, 'go-on').totalMs.expected).toBe(Number.POSITIVE_INFINITY);
    expect(predicted(busy, 4, 'stop-now').totalMs.expected).toBeLessThan(30_000);
  });

  it.each([
    ['ends', 'more slowly', 100, true],
    ['does not end', 'faster', 2000, false],
  ])(
    '%s where all is fake, and marked %s than the filter can look at it',
    (_, __, nsPerPage, ends) => {
      const guest = { ...mostlyFake, markedPagesPerMs: 2000 };
      const { passes } = preCopy(guest, { count: 3, downtimeLimitMs: 0 });
      const looked = passes.map((pass) => {
        const { verdicts } = pass;
        return {
          ...pass,
          verdicts: verdicts && { ...verdicts, filterNs: verdicts.checked * nsPerPage },
        };
      });
      const predictions = predict(observe(guest, looked))?.predictions ?? [];
      const { totalMs } = predictions.find(({ choice }) => choice === 'go-on') ?? {};
      expect(Number.isFinite(totalMs?.expected)).toBe(ends);
    },
  );

  it('gives post-copy the shortest downtime, and every marked page to fetch', () => {
    const postcopy = predicted(mostlyFake, 1, 'post-copy');
    const stop = predicted(busy, 4, 'stop-now');
    expect(predicted(busy, 4, 'post-copy').downtimeMs.high).toBeLessThan(stop.downtimeMs.low);
    const { passes } = preCopy(mostlyFake, { count: 1 });
    expect(postcopy.bytes.expected).toBeGreaterThanOrEqual((passes.at(-1)?.dirtyPages ?? 0) * 4096);
  });

  it('has its error bars in order for every guest', () => {
    const guest = fc.record<Guest>({
      pages: fc.integer({ min: 1000, max: 1_000_000 }),
      workingSetPages: fc.integer({ min: 0, max: 100_000 }),
      markedPagesPerMs: fc.double({ min: 0, max: 200, noNaN: true }),
      fakeShare: fc.double({ min: 0, max: 1, noNaN: true }),
      linkBytesPerMs: fc.double({ min: 100, max: 1e6, noNaN: true }),
    });
    fc.assert(
      fc.property(guest, fc.integer({ min: 1, max: 10 }), (each, count) => {
        const { passes } = preCopy(each, { count });
        const observation = observe(each, passes);
        for (const prediction of predict(observation)?.predictions ?? []) {
          const { totalMs, downtimeMs, bytes, remainingPasses } = prediction;
          for (const { low, expected, high } of [totalMs, downtimeMs, bytes, remainingPasses]) {
            expect(low).toBeLessThanOrEqual(expected);
            expect(expected).toBeLessThanOrEqual(high);
            expect(low).toBeGreaterThanOrEqual(0);
          }
          expect(totalMs.low).toBeGreaterThanOrEqual(observation.elapsedMs);
        }
      }),
    );
  });
});

describe('a replay', () => {
  const { passes } = preCopy(busy, { count: 20 });
  const recording = recordingOf(busy, passes);

  it('evaluates a policy at the beginning and after each pass, until it decides', () => {
    const policy = adaptiveStop();
    const decisions = replay(recording, policy);
    expect(decisions.at(-1)).toMatchObject({ decision: { choice: 'stop-now' } });
    expect(decisions.slice(0, -1).every(({ decision }) => decision.choice === 'go-on')).toBe(true);
    decisions.forEach(({ endedPasses, decision }) => {
      expect(decision).toEqual(policy(observe(busy, passes.slice(0, endedPasses))));
    });
  });

  it('evaluates a policy between passes when it asks for that', () => {
    const [first] = passes;
    const afterMs = (first?.endMs ?? 0) / 2;
    expect(replay(recording, giveUp({ afterMs }))).toMatchObject([
      { elapsedMs: 0, endedPasses: 0, decision: { choice: 'go-on' } },
      { elapsedMs: afterMs, endedPasses: 0, decision: { choice: 'give-up' } },
    ]);
    const later = (passes[1]?.startMs ?? 0) + 1;
    expect(replay(recording, giveUp({ afterMs: later })).at(-1)).toMatchObject({
      elapsedMs: later,
      endedPasses: 1,
    });
  });

  it('evaluates a policy at the times that the recording has', () => {
    const policy = giveUp({ afterMs: 2000 });
    const asked: PolicyEvaluation[] = [100, 1500, 2100].map((elapsedMs) => ({
      elapsedMs,
      endedPasses: 0,
      decision: policy(observe(busy, [], { elapsedMs })),
    }));
    const entries = [
      ...recording.entries,
      ...asked.map((evaluation) => ({ type: 'policy-evaluation', evaluation }) as const),
    ];
    expect(replay({ ...recording, entries }, policy)).toEqual(asked);
  });

  it('sees the limits that were set by then', () => {
    const [first, second] = passes;
    const limits = {
      type: 'limits',
      elapsedMs: ((first?.endMs ?? 0) + (second?.endMs ?? 0)) / 2,
      bandwidthLimitBytesPerSecond: 5e6,
      downtimeLimitMs: 7,
    } as const;
    const seen: number[] = [];
    replay({ ...recording, entries: [...recording.entries, limits] }, ({ downtimeLimitMs }) => {
      seen.push(downtimeLimitMs);
      return { choice: 'go-on', policy: 'watching', reason: 'Wait.', numbers: {} };
    });
    expect(seen.slice(0, 4)).toEqual([300, 300, 7, 7]);
  });

  it('predicts after each pass', () => {
    const { predictions, actual } = evaluatePredictions(recording);
    expect(predictions.map(({ endedPasses }) => endedPasses)).toEqual(
      passes.map((__, at) => at + 1),
    );
    expect(actual).toBeUndefined();
  });
});
