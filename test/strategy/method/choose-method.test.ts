// Which method is chosen for which VM, by whom, and why.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { VmMeasurement } from '../../../lib/site/measurement.js';
import {
  type ChooseMethodOptions,
  chooseMethod,
} from '../../../lib/strategy/method/choose-method.js';

const gigabit = 125_000_000;
const pageBytes = 4096;

interface Rates {
  /** Bytes a second. */
  readonly marked?: number;
  readonly changed?: number;
  readonly sent?: number;
  readonly received?: number;
}

function pages(bytes: number) {
  return { pages: bytes / pageBytes, errorPages: 0 };
}

function vm({ marked = 0, changed = marked, sent = 0, received = 0 }: Rates): VmMeasurement {
  return {
    ...{ format: 1, kind: 'vm', vm: 'a', atMs: 0, memoryBytes: 2 ** 30, zeroBytes: 0 },
    transmitBytesPerSecond: sent,
    receiveBytesPerSecond: received,
    dirtying: {
      seconds: 1,
      marked: pages(marked),
      markedInDoubleTime: pages(2 * marked),
      changed: pages(changed),
    },
  };
}

function choose(rates: Rates, options: Partial<ChooseMethodOptions> = {}) {
  return chooseMethod(vm(rates), { linkBytesPerSecond: gigabit, ...options });
}

describe('WALM', () => {
  const cases: [string, Rates, string][] = [
    ['is memory-intensive', { marked: 0.6 * gigabit }, 'post-copy'],
    ['is memory-intensive, and receives', { marked: gigabit, received: gigabit }, 'post-copy'],
    ['mostly receives', { received: 0.5 * gigabit, sent: 0.4 * gigabit }, 'pre-copy'],
    ['mostly sends', { received: 0.1 * gigabit, sent: 0.4 * gigabit }, 'post-copy'],
    ['does little of either', { marked: 0.1 * gigabit, sent: 0.1 * gigabit }, 'hybrid'],
  ];

  it.each(cases)('moves a VM that %s by the method of its document', (_, rates, name) => {
    const { method, options, reason } = choose(rates, { by: 'walm' });
    expect(method).toMatchObject({ name });
    expect(method).not.toHaveProperty('hash');
    expect(options.method).toBe(name);
    expect(options.policy !== undefined).toBe(name === 'hybrid');
    expect(reason).toMatch(/\d/);
  });

  it('by what really changes, takes a VM that stores over itself for what it is', () => {
    const rates = { marked: 2 * gigabit, changed: 0.02 * gigabit };
    expect(choose(rates, { by: 'walm' }).method.name).toBe('post-copy');
    const { method, reason } = choose(rates, { by: 'effective-walm' });
    expect(method).toMatchObject({ name: 'hybrid', hash: 'ph128' });
    expect(reason).toMatch(/changes 2\.5 MB a second, 2\.0 % of the link, under 50\.0 %/);
  });

  it('says so where post-copy is wanted and not possible', () => {
    const { method, reason } = choose({ marked: gigabit }, { by: 'walm', postCopyPossible: false });
    expect(method.name).toBe('pre-copy');
    expect(reason).toMatch(/asks for post-copy, but post-copy is not possible/);
  });

  it('has thresholds that can be given', () => {
    const thresholds = { memoryShare: 0.05, networkShare: 0.3 };
    expect(choose({ marked: 0.1 * gigabit }, { by: 'walm', thresholds }).method.name).toBe(
      'post-copy',
    );
  });
});

describe('the cheapest', () => {
  it('is simple pre-copy for a VM that does not write', () => {
    const { method, rejected } = choose({});
    expect(method).toEqual({ name: 'pre-copy', policy: [] });
    expect(rejected).toHaveLength(4);
  });

  it('skips fake dirty pages of a VM that stores over itself', () => {
    const { method, predicted } = choose({ marked: 2 * gigabit, changed: 0.01 * gigabit });
    expect(method.hash).toBe('ph128');
    expect(predicted?.timeMs.high).toBeLessThan(20_000);
  });

  it('is post-copy for one that really writes faster than the link', () => {
    expect(choose({ marked: 4 * gigabit }).method.name).toBe('post-copy');
  });

  it('leaves the VM where post-copy would risk it', () => {
    const { method, reason } = choose({ marked: 4 * gigabit }, { sourceIsFailing: true });
    expect(method.name).toBe('pre-copy');
    expect(reason).toMatch(/may fail/);
  });

  it('goes the way that its own traffic leaves free', () => {
    const sends = choose({ sent: 0.9 * gigabit });
    expect(sends.method.name).toBe('post-copy');
    const receives = choose({ received: 0.9 * gigabit });
    expect(receives.method.name).toBe('pre-copy');
  });

  it('depends on what is to be cheap', () => {
    const rates = { marked: 0.3 * gigabit };
    const byDowntime = choose(rates, { goal: 'downtime' }).predicted?.downtimeMs.expected ?? 0;
    const byTime = choose(rates, { goal: 'time' }).predicted?.downtimeMs.expected ?? 0;
    expect(byDowntime).toBeLessThanOrEqual(byTime);
    const { numbers } = choose(rates, { goal: { time: 1, bytes: 1, downtime: 0 } });
    expect(numbers).toMatchObject({ cost: expect.any(Number) });
  });

  it('never costs more than what it rejects, and is the same each time', () => {
    const rate = fc.double({ min: 0, max: 4 * gigabit, noNaN: true });
    fc.assert(
      fc.property(rate, fc.double({ min: 0, max: 1, noNaN: true }), rate, rate, (...given) => {
        const [marked, share, sent, received] = given;
        const rates = { marked, changed: marked * share, sent, received };
        const choice = choose(rates);
        expect(choose(rates)).toEqual({ ...choice, options: expect.anything() });
        const { timeMs } = choice.predicted ?? {};
        for (const { predicted } of choice.rejected ?? []) {
          // One that may never end is no rival, and post-copy has to save a tenth.
          if (Number.isFinite(predicted.timeMs.high)) {
            expect(timeMs?.expected).toBeLessThanOrEqual(1.101 * predicted.timeMs.expected);
          }
        }
      }),
    );
  });

  it('takes no longer on a faster link', () => {
    const rate = fc.double({ min: 0, max: 2 * gigabit, noNaN: true });
    fc.assert(
      fc.property(rate, rate, (marked, sent) => {
        const timeAt = (linkBytesPerSecond: number) =>
          choose({ marked, sent }, { linkBytesPerSecond }).predicted?.timeMs.expected ?? 0;
        expect(timeAt(10 * gigabit)).toBeLessThanOrEqual(timeAt(gigabit) + 1e-6);
      }),
    );
  });
});

describe('what is asked', () => {
  it.each([
    [{ linkBytesPerSecond: 0 }, /linkBytesPerSecond/],
    [{ linkBytesPerSecond: -1 }, /linkBytesPerSecond/],
    [{ by: 'wlam' }, /by.*Did you mean 'walm'/],
    [{ goal: 'speed' }, /goal/],
    [{ goal: { time: 0, bytes: 0, downtime: 0 } }, /one weight above 0/],
    [{ thresholds: { memoryShare: 1 } }, /networkShare/],
    [{ link: 1 }, /there is no such option/],
  ])('is refused where it is wrong: %j', (options, problem) => {
    expect(() => choose({}, options as Partial<ChooseMethodOptions>)).toThrow(problem);
  });
});
