// The built-in methods: all of them are something that migrate() accepts.
import { describe, expect, it } from 'vitest';
import { mebibyte } from '../../../lib/format/bytes.js';
import { builtIn } from '../../../lib/lab/catalogue/built-in.js';
import { methods } from '../../../lib/lab/methods/built-in.js';
import { timeLimit } from '../../../lib/lab/run/time-limit.js';
import { parseMigrateOptions } from '../../../lib/migration/options.js';

const memoryBytes = 1024 * mebibyte;

describe('the built-in methods', () => {
  it('have different names', () => {
    expect(new Set(methods.map(({ name }) => name)).size).toBe(methods.length);
  });

  it.for(methods)('$name has options that migrate() accepts', (method) => {
    const options = parseMigrateOptions({ ...method.options(memoryBytes), to: 'unix:/nowhere' });
    // What chooses adds what it has chosen.
    expect(options.filter !== undefined).toBe(method.needsFilter && !method.choose);
    expect(options.method !== 'pre-copy').toBe(method.postcopy);
    const observation = {
      ramBytes: memoryBytes,
      pageBytes: 4096,
      downtimeLimitMs: 300,
      bandwidthLimitBytesPerSecond: 0,
      postcopyPossible: method.postcopy,
      elapsedMs: 0,
      passes: [],
    };
    // Nothing has happened yet that it could act on.
    expect(method.policy?.()(observation).choice ?? 'go-on').toBe('go-on');
    expect(timeLimit(1000)(observation)).toMatchObject({ choice: 'go-on', askAgainAtMs: 1000 });
    expect(timeLimit(1000)({ ...observation, elapsedMs: 1000 }).choice).toBe('stop-now');
  });

  it.for([
    [256, 256],
    [768, 1024],
    [1000, 1024],
    [16384, 16384],
  ] as const)(
    'xbzrle-large has a cache for %i MiB that is a power of two: %i MiB',
    ([memoryMiB, cacheMiB]) => {
      for (const name of ['xbzrle-large', 'xbzrle-large-filter']) {
        const { xbzrle } = builtIn.method(name).options(memoryMiB * mebibyte);
        expect(xbzrle?.cacheBytes, name).toBe(cacheMiB * mebibyte);
      }
    },
  );
});
