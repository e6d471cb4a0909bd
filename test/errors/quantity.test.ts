// Numbers in messages carry the unit that their option's name ends in.
import { describe, expect, it } from 'vitest';
import { quantity } from '../../lib/errors/quantity.js';
import { type MigrateOptions, parseMigrateOptions } from '../../lib/migration/options.js';

describe('a number in a message', () => {
  it.each([
    ['downtimeLimitMs', 3_600_000, '3600000 ms (1 h)'],
    ['downtimeLimitMs', 2_000_000, '2000000 ms (2000 s)'],
    ['afterMs', 1500, '1500 ms'],
    ['afterMs', 0, '0 ms'],
    ['seconds', 40, '40 s'],
    ['cacheBytes', 4096, '4096 bytes (4 KiB)'],
    ['cacheBytes', 1000, '1000 bytes (1 kB)'],
    ['cacheBytes', 10, '10 bytes'],
    ['bandwidthBytesPerSecond', 1e9, '1000000000 bytes/s (1 GB/s)'],
    ['memoryMiB', 5, '5 MiB'],
    ['maxPercent', 120, '120 %'],
    ['channels', 300, '300'],
  ])('of %s: %d is %s', (name, value, text) => {
    expect(quantity(name, value)).toBe(text);
  });

  it('has its unit where an option is out of range', () => {
    const options = { downtimeLimitMs: 3_600_000, autoConverge: { maxPercent: 120 } };
    expect(() => parseMigrateOptions({ to: 'tcp:b:1', ...options } as MigrateOptions)).toThrow(
      /downtimeLimitMs: is 3600000 ms \(1 h\); expected at most 2000000 ms \(2000 s\)/,
    );
    expect(() => parseMigrateOptions({ to: 'tcp:b:1', ...options } as MigrateOptions)).toThrow(
      /autoConverge\.maxPercent: is 120 %; expected at most 99 %/,
    );
  });
});
