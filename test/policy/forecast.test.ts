// What is forecast from a measurement.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gibibyte } from '../../lib/format/bytes.js';
import type { DirtyingMeasurement } from '../../lib/monitor/dirtying-measurement.js';
import { type Forecast, forecast, rangeText } from '../../lib/policy/forecast.js';

function measurement(more: Partial<DirtyingMeasurement> = {}): DirtyingMeasurement {
  return {
    ramBytes: gibibyte,
    pageBytes: 4096,
    seconds: 2,
    marked: { pages: 50_000, errorPages: 0 },
    markedInDoubleTime: { pages: 50_000, errorPages: 0 },
    changed: { pages: 1000, errorPages: 0 },
    contents: 'fingerprints',
    scannedPages: 262_144,
    zeroPages: 62_144,
    overhead: { totalMs: 8000, qemuCpuMs: 10, ownCpuMs: 100 },
    ...more,
  };
}

const link = { linkBytesPerSecond: 60e6 };

function method(name: Forecast['methods'][number]['method'], from: Forecast) {
  const found = from.methods.find((each) => each.method === name);
  if (!found) throw new Error(`no ${name}`);
  return found;
}

describe('a forecast', () => {
  it('predicts that a guest converges only with the filter', () => {
    const predicted = forecast(measurement(), link);
    expect(predicted.fakeShare?.expected).toBeCloseTo(0.98);
    expect(method('pre-copy', predicted).totalMs.expected).toBe(Number.POSITIVE_INFINITY);
    const filtered = method('pre-copy with the filter', predicted);
    // All that is not zero, once: 200,000 pages of 4,104 bytes at 60 MB/s take 13.7 s.
    expect(filtered.totalMs.expected).toBeGreaterThan(13_600);
    expect(filtered.totalMs.expected).toBeLessThan(13_900);
    expect(filtered.downtimeMs.expected).toBeLessThan(300);
    expect(method('hybrid', predicted).downtimeMs.high).toBeLessThan(100);
  });

  it('says how certain it is', () => {
    expect(forecast(measurement(), link).confidence).toMatch(
      /All 262144 pages.*62144 pages are zero/,
    );
    const blind = measurement({ changed: undefined, contents: 'none', zeroPages: undefined });
    const predicted = forecast(blind, link);
    expect(predicted.fakeShare).toBeUndefined();
    expect(predicted.confidence).toMatch(/could not be scanned.*unknown.*nearer to the lower/);
    const sampled = { ...measurement(), contents: 'sample', scannedPages: 4096 } as const;
    expect(forecast(sampled, link).confidence).toMatch(/sampled 4096 pages/);
  });

  it('allows for memory that was never used, where zero pages are unknown', () => {
    const sampled = measurement({ contents: 'sample', scannedPages: 4096, zeroPages: undefined });
    const { bytes, totalMs } = method('hybrid', forecast(sampled, link));
    const all = sampled.ramBytes;
    expect(bytes.expected).toBeGreaterThan(all);
    expect(bytes.low).toBeLessThan(all / 2);
    expect(totalMs.low).toBeLessThan(totalMs.expected / 2);
  });

  it('uses changed pages where marks can not be counted, and says so', () => {
    const blind = measurement({ marked: undefined, markedInDoubleTime: undefined });
    const { fakeShare, confidence, methods } = forecast(blind, link);
    expect(fakeShare).toBeUndefined();
    expect(confidence).toMatch(/Without KVM, marked pages can not be counted/);
    expect(methods.every(({ bytes }) => bytes.expected > 0)).toBe(true);
  });

  it('does not rule out that pre-copy never ends where marks can not be counted', () => {
    const blind = measurement({ marked: undefined, markedInDoubleTime: undefined });
    const predicted = forecast(blind, link);
    expect(method('pre-copy', predicted).totalMs).toMatchObject({
      high: Number.POSITIVE_INFINITY,
      expected: expect.toSatisfy(Number.isFinite),
    });
    // The filter sends what changes, whatever is marked.
    expect(Number.isFinite(method('pre-copy with the filter', predicted).totalMs.high)).toBe(true);
    // At worst all that is not zero is fetched again.
    expect(method('hybrid', predicted).bytes.high).toBeGreaterThan(2 * 200_000 * 4104);
  });

  it('predicts from a short scan that a guest writes faster than the link sends', () => {
    const changed = { pages: 2000, errorPages: 0 };
    const slow = { linkBytesPerSecond: 16e6, downtimeLimitMs: 100 };
    const blind = measurement({ marked: undefined, markedInDoubleTime: undefined, changed });
    const fast = { ...blind, changedEarly: { pages: 2000, ms: 100 } };
    const filtered = 'pre-copy with the filter';
    expect(method(filtered, forecast(fast, slow)).totalMs.expected).toBe(Number.POSITIVE_INFINITY);
    // The same in two seconds, evenly: 1000 pages a second are a fourth of what the link takes.
    const even = { ...blind, changedEarly: { pages: 100, ms: 100 } };
    expect(method(filtered, forecast(even, slow)).totalMs.expected).toBeLessThan(1e6);
  });

  it('includes the time to read zero pages', () => {
    const zeros = measurement({ zeroPages: 262_144 - 1000, scanMsPerPage: 0.02 });
    const { totalMs } = method('pre-copy with the filter', forecast(zeros, link));
    expect(totalMs.expected).toBeGreaterThan(261_144 * 0.02);
    expect(totalMs.low).toBeLessThan(totalMs.expected / 3);
  });

  it('extrapolates a working set that was not seen completely', () => {
    const growing = measurement({
      marked: { pages: 10_000, errorPages: 0 },
      markedInDoubleTime: { pages: 15_000, errorPages: 0 },
    });
    // 10,000 and half as many, and half of those ... come to 20,000, which the first pass is long enough for.
    const { bytes } = method('hybrid', forecast(growing, link));
    expect(bytes.expected).toBeCloseTo((200_000 + 20_000) * 4104 + 62_144 * 9, -3);
  });

  it('has its error bars in order, and never costs less without the filter', () => {
    const count = fc.record({
      pages: fc.integer({ min: 0, max: 262_144 }),
      errorPages: fc.integer({ min: 0, max: 20_000 }),
    });
    const any = fc.record({ marked: count, markedInDoubleTime: count, changed: count });
    fc.assert(
      fc.property(any, fc.integer({ min: 1e6, max: 1e10 }), (each, linkBytesPerSecond) => {
        const predicted = forecast(measurement(each), { linkBytesPerSecond });
        for (const { bytes, totalMs, downtimeMs } of predicted.methods) {
          for (const { low, expected, high } of [bytes, totalMs, downtimeMs]) {
            expect(low).toBeLessThanOrEqual(expected);
            expect(expected).toBeLessThanOrEqual(high);
          }
        }
        const plain = method('pre-copy', predicted).totalMs.expected;
        const filtered = method('pre-copy with the filter', predicted).totalMs.expected;
        expect(filtered).toBeLessThanOrEqual(plain * 1.05);
        const { low = 0, high = 0 } = predicted.fakeShare ?? {};
        expect(low >= 0 && high <= 1).toBe(true);
      }),
    );
  });
});

describe('a range for people', () => {
  const never = Number.POSITIVE_INFINITY;
  it.each([
    [{ low: 1, expected: 2, high: 3 }, '2 B (1 B to 3 B)'],
    [{ low: 2, expected: 2, high: 2 }, '2 B'],
    [{ low: 1, expected: 2, high: never }, '2 B (at least 1 B)'],
    [{ low: 1, expected: never, high: never }, 'without end (at least 1 B)'],
    [{ low: never, expected: never, high: never }, 'without end'],
  ])('reads as well for bytes as for times: %j', (range, text) => {
    expect(rangeText(range, (bytes) => `${bytes} B`)).toBe(text);
  });
});
