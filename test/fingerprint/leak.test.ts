import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { builtPackage } from '../harness/built-package.js';

const run = promisify(execFile);
const flatBytes = 24 * 1024 * 1024;

/**
 * How much the memory of a process grows while it does something many times, after it has warmed up. A leak does so
 * each time; the allocator keeps more of what is free now and then, and no more after that.
 */
async function growthBytes(times: number, setUp: string, each: string): Promise<number> {
  const program = `
    import * as fakedirty from ${JSON.stringify(builtPackage.href)};
    const page = Buffer.alloc(4096, 7);
    const settle = async () => {
      for (let i = 0; i < 5; ++i) {
        globalThis.gc();
        await new Promise((resolve) => setImmediate(resolve));
      }
      return process.memoryUsage.rss();
    };
    ${setUp}
    const many = async (times) => {
      for (let i = 0; i < times; ++i) {
        ${each}
        // Node frees what objects hold outside the heap between turns of the event loop.
        if (i % 256 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await many(${times});
    let least = Infinity;
    for (let turn = 0; turn < 3 && least >= ${flatBytes}; ++turn) {
      const before = await settle();
      await many(${times});
      least = Math.min(least, (await settle()) - before);
    }
    console.log(least);
  `;
  const args = ['--expose-gc', '--input-type=module', '--eval', program];
  const { stdout } = await run(process.execPath, args);
  return Number(stdout);
}

describe('memory stays flat', () => {
  it.each([
    [
      'a million fingerprints',
      1_000_000,
      'const h = new fakedirty.Hasher();',
      'h.fingerprint(page);',
    ],
    [
      'a million checks',
      1_000_000,
      'const t = new fakedirty.FingerprintTable({ pages: 9 });',
      't.checkAndCommit(page, i % 9);',
    ],
    [
      'ten thousand checks of a thousand pages, never committed',
      10_000,
      `const t = new fakedirty.FingerprintTable({ pages: 1000, pageSize: 1024, verify: true });
       const pages = Buffer.alloc(1000 * 1024, 7);
       t.checkAndCommit(pages);`,
      't.check(pages.subarray(0, 1024 * (i % 30)));',
    ],
    ['hashers, disposed of', 10_000, '', 'new fakedirty.Hasher().dispose();'],
    ['hashers, forgotten', 10_000, '', 'new fakedirty.Hasher();'],
    [
      'tables, forgotten',
      20_000,
      '',
      'new fakedirty.FingerprintTable({ pages: 1000 }).check(page);',
    ],
    [
      'errors',
      100_000,
      'const h = new fakedirty.Hasher();',
      'try { h.fingerprint(page.subarray(1)); } catch {}',
    ],
    [
      'background work',
      20_000,
      'const h = new fakedirty.Hasher();',
      'await h.fingerprintAsync(page, { threads: 1 });',
    ],
  ])(
    'over %s',
    async (_, times, setUp, each) => {
      expect(await growthBytes(times, setUp, each)).toBeLessThan(flatBytes);
    },
    60_000,
  );
});
