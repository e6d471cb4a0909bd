import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  algorithmNames,
  BusyError,
  DisposedError,
  FingerprintTable,
  Hasher,
  OptionError,
  StaleCheckError,
  type Verdict,
  Verdicts,
  verdictNames,
} from '../../lib/index.js';
import { randomBytes } from './reference.js';

const pageSize = 1024;

function names(verdicts: Uint8Array): Verdict[] {
  return [...verdicts].map((verdict) => verdictNames[verdict] ?? 'first');
}

function tableOf(
  pages: number,
  more: Partial<ConstructorParameters<typeof FingerprintTable>[0]> = {},
) {
  return new FingerprintTable({ pages, pageSize, ...more });
}

describe('verdicts', () => {
  it('have numbers and names', () => {
    for (const name of verdictNames) expect(verdictNames[Verdicts[name]]).toBe(name);
  });

  it.each(algorithmNames)('%s: first, zero, changed, unchanged', (algorithm) => {
    using table = tableOf(4, { algorithm });
    const bytes = randomBytes(4 * pageSize);
    bytes.fill(0, 0, pageSize);
    table.commit(table.check(bytes));
    bytes[2 * pageSize] = (bytes[2 * pageSize] ?? 0) ^ 1;
    bytes.fill(0, 3 * pageSize);
    const check = table.check(bytes);
    expect(names(check.verdicts)).toEqual(['unchanged', 'unchanged', 'changed', 'zero']);
    expect(check.counts).toEqual({ first: 0, zero: 1, changed: 1, unchanged: 2 });
  });

  it('are those of what was committed, whatever happens in between', () => {
    const action = fc.oneof(
      fc.record({ do: fc.constant('write'), page: fc.nat(5), value: fc.nat(3) }),
      fc.record({ do: fc.constant('send'), page: fc.nat(5), value: fc.nat(5) }),
      fc.record({ do: fc.constant('lose'), page: fc.nat(5), value: fc.nat(5) }),
      fc.record({ do: fc.constant('reset'), page: fc.nat(5), value: fc.nat(5) }),
    );
    const key = randomBytes(pageSize + 32);
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), fc.boolean(), (actions, verify) => {
        using table = tableOf(6, { key, verify });
        const guest = Buffer.alloc(6 * pageSize);
        const destination = new Map<number, string>();
        const pageAt = (page: number) => guest.subarray(page * pageSize, (page + 1) * pageSize);
        const text = (page: number) => pageAt(page).toString('latin1');
        for (const { do: what, page, value } of actions) {
          if (what === 'write') pageAt(page).fill(value);
          if (what === 'lose') {
            table.invalidate({ first: page, pages: Math.min(value, 6 - page) });
            for (let i = page; i < Math.min(page + value, 6); ++i) destination.delete(i);
          }
          if (what === 'reset' && value === 5) {
            table.reset();
            destination.clear();
          }
          if (what !== 'send') continue;
          const check = table.check(pageAt(page), page);
          const zero = pageAt(page).every((byte) => byte === 0);
          const known = destination.get(page);
          const expected =
            known === text(page) ? 'unchanged' : zero ? 'zero' : known ? 'changed' : 'first';
          expect(names(check.verdicts)).toEqual([expected]);
          if (value === 0) continue; // dropped: the slot stays as it was
          table.commit(check);
          destination.set(page, text(page));
        }
        const { slots, falseSkips } = table.statistics();
        expect(slots.zero + slots.known).toBe(destination.size);
        expect(falseSkips).toBe(0);
      }),
      { numRuns: 150 },
    );
  });
});

describe('pages', () => {
  const bytes = randomBytes(3 * pageSize);

  it('are consecutive ones, or listed in any order', () => {
    using table = tableOf(10);
    table.checkAndCommit(bytes, 4);
    expect(table.check(bytes, 4).counts.unchanged).toBe(3);
    expect(table.check(bytes.subarray(pageSize), [5, 6]).counts.unchanged).toBe(2);
    const reversed = Buffer.concat(
      [2, 1, 0].map((i) => bytes.subarray(i * pageSize, (i + 1) * pageSize)),
    );
    expect(table.check(reversed, Uint32Array.of(6, 5, 4)).counts.unchanged).toBe(3);
    expect(table.check(bytes, 5).counts).toMatchObject({ changed: 2, first: 1 });
  });

  it.each([
    [8, /^where: no such pages: 3 from 8 on, of 10$/],
    [-1, /no such pages/],
    [0.5, /no such pages/],
    [Number.NaN, /no such pages/],
    [[1, 2], /^where: is for 2 pages; the bytes hold 3$/],
    [[1, 2, 10], /^where: there is no page 10; pages are 0 to 9$/],
    [[1, 2, -1], /there is no page -1/],
    [[1, 2, 0.5], /there is no page 0.5/],
    [[1, 1, 2], /^where: has page 1 twice; expected each page once$/],
    [[7, 2, 7], /^where: has page 7 twice/],
    [null, /^where: is for null pages/],
    ['all', /^where: is for 'all' pages/],
  ])('%j is refused', (where, message) => {
    using table = tableOf(10);
    // biome-ignore lint/suspicious/noExplicitAny: wrong types are the point
    const check = () => table.check(bytes, where as any);
    expect(check).toThrow(OptionError);
    expect(check).toThrow(message);
  });
});

describe('commit', () => {
  const bytes = randomBytes(3 * pageSize);

  it('takes the pages that were sent, and counts them then', () => {
    using table = tableOf(3);
    const check = table.check(bytes);
    expect(table.statistics().counted).toEqual({ first: 0, zero: 0, changed: 0, unchanged: 0 });
    table.commit(check, [0, 2]);
    expect(table.statistics().counted.first).toBe(2);
    expect(names(table.check(bytes).verdicts)).toEqual(['unchanged', 'first', 'unchanged']);
  });

  it('is for what was seen, not for what the memory holds by then (R1)', () => {
    for (const verify of [false, true]) {
      using table = tableOf(3, { verify });
      const live = Buffer.from(bytes);
      const check = table.check(live);
      live.fill(1);
      table.commit(check);
      expect(table.check(bytes).counts.unchanged).toBe(3);
      expect(table.check(live).counts.unchanged).toBe(0);
    }
  });

  it('is refused twice, after invalidate and reset (R5), and in another table', () => {
    using table = tableOf(3);
    using other = tableOf(3);
    const once = table.check(bytes);
    expect(() => other.commit(once)).toThrow(/^check: expected a Check of this table$/);
    table.commit(once);
    expect(() => table.commit(once)).toThrow(StaleCheckError);
    const before = [table.check(bytes), table.check(bytes)] as const;
    table.invalidate({ first: 0, pages: 1 });
    expect(() => table.commit(before[0])).toThrow(/older than the last invalidate or reset/);
    table.reset();
    expect(() => table.commit(before[1])).toThrow(StaleCheckError);
    expect(table.statistics().slots).toEqual({ unknown: 3, zero: 0, known: 0 });
  });

  it('refuses positions that the check does not have', () => {
    using table = tableOf(3);
    expect(() => table.commit(table.check(bytes), [3])).toThrow(/^sent: there is no position 3/);
  });
});

describe('memory', () => {
  it('of a terabyte guest is not taken before it is needed', () => {
    const before = process.memoryUsage.rss();
    using table = new FingerprintTable({ pages: 2 ** 28 });
    table.checkAndCommit(randomBytes(4096), 2 ** 28 - 1);
    expect(process.memoryUsage.rss() - before).toBeLessThan(64 * 1024 * 1024);
  });

  it('that nothing can hold is an error of the library', () => {
    expect(() => new FingerprintTable({ pages: Number.MAX_SAFE_INTEGER })).toThrow(
      expect.objectContaining({ name: 'NativeError', status: expect.any(Number) }),
    );
  });
});

describe('a hasher given', () => {
  it('is shared, and outlives its object', () => {
    const hasher = new Hasher({ pageSize });
    using one = new FingerprintTable({ pages: 3, hasher });
    using other = new FingerprintTable({ pages: 3, hasher });
    const bytes = randomBytes(3 * pageSize);
    hasher.dispose();
    one.checkAndCommit(bytes);
    other.checkAndCommit(bytes);
    expect(one.check(bytes).counts).toEqual(other.check(bytes).counts);
  });
});

describe('in the background', () => {
  it('the table is busy until it ends (R6)', async () => {
    using table = new FingerprintTable({ pages: 4096, algorithm: 'sha256' });
    const bytes = randomBytes(4096 * 4096);
    const running = table.checkAndCommitAsync(bytes);
    for (const use of [
      () => table.check(bytes),
      () => table.checkAndCommit(bytes),
      () => table.invalidate({ first: 0, pages: 1 }),
      () => table.reset(),
      () => table.statistics(),
    ]) {
      expect(use).toThrow(BusyError);
    }
    await expect(table.checkAndCommitAsync(bytes)).rejects.toThrow(BusyError);
    expect((await running).counts.first).toBe(4096);
    expect(table.check(bytes).counts.unchanged).toBe(4096);
  });

  it('a table that is disposed of meanwhile says so', async () => {
    const table = new FingerprintTable({ pages: 16384, algorithm: 'sha256' });
    const running = table.checkAndCommitAsync(randomBytes(16384 * 4096));
    table.dispose();
    await expect(running).rejects.toThrow(DisposedError);
    expect(() => table.statistics()).toThrow(DisposedError);
  });
});
