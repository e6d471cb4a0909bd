// Times and sizes as people write them.
import { describe, expect, it } from 'vitest';
import { parseBytes, parseMs, parsePercent } from '../../lib/format/units.js';

describe('a time', () => {
  it.each([
    ['300', 300],
    ['300ms', 300],
    ['0.5s', 500],
    ['.5s', 500],
    ['2min', 120_000],
    ['2 min', 120_000],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['1.5h', 5_400_000],
    ['1d', 86_400_000],
  ])('is read with its unit: %s', (text, ms) => expect(parseMs(text)).toBe(ms));

  it('without a unit counts as what the option says', () => expect(parseMs('2', 1000)).toBe(2000));

  it.each(['', 's', '5 y', '-1s', '1s2', '1e3', 'constructor', '5constructor'])(
    'is nothing else: %j',
    (text) => expect(parseMs(text)).toBeUndefined(),
  );
});

describe('a size', () => {
  it.each([
    ['4096', 4096],
    ['8M', 8e6],
    ['8MB', 8e6],
    ['8MiB', 8 * 2 ** 20],
    ['1.5GiB', 1.5 * 2 ** 30],
    ['64Mi', 64 * 2 ** 20],
    ['2T', 2e12],
    ['1Gbit', 125e6],
    ['10 kbit', 1250],
    ['12B', 12],
  ])('is read with its unit: %s', (text, bytes) => expect(parseBytes(text)).toBe(bytes));

  it.each(['', 'M', '8m', '8 gb', '8MBit'])('is nothing else: %j', (text) => {
    expect(parseBytes(text)).toBeUndefined();
  });
});

it('a percentage has its sign or not', () => {
  expect(['75', '75%', '75 %', '7.5'].map(parsePercent)).toEqual([75, 75, 75, 7.5]);
  expect(parsePercent('many')).toBeUndefined();
});
