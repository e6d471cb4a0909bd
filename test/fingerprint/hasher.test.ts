import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  algorithms,
  DisposedError,
  fingerprintPages,
  fingerprintPagesAsync,
  Hasher,
  OptionError,
} from '../../lib/index.js';
import { crc32, cryptoDigests, pagesOf, ph128, randomBytes } from './reference.js';

const pageSizes = [1024, 4096, 65536];

describe('digests', () => {
  describe.each(pageSizes)('of pages of %i bytes', (pageSize) => {
    const bytes = randomBytes(19 * pageSize);

    it.each(['sha1', 'md5', 'sha256'] as const)('%s are those of node:crypto', (algorithm) => {
      const digests = fingerprintPages(bytes, { algorithm, pageSize });
      expect(digests).toEqual(cryptoDigests(algorithm, bytes, pageSize));
    });

    it('crc32 are those of a bit-by-bit CRC', () => {
      const digests = fingerprintPages(bytes, { algorithm: 'crc32', pageSize });
      expect(digests).toEqual(Buffer.concat(pagesOf(bytes, pageSize).map(crc32)));
    });
  });

  it('ph128 are those of a bit-by-bit GF(2) product', () => {
    const key = randomBytes(1024 + 32, 5);
    const bytes = randomBytes(2 * 1024);
    const digests = fingerprintPages(bytes, { pageSize: 1024, key });
    expect(digests).toEqual(Buffer.concat(pagesOf(bytes, 1024).map((page) => ph128(page, key))));
  });

  it.each(algorithms().map(({ name }) => name))(
    '%s: asynchronous ones are the same',
    async (name) => {
      const bytes = randomBytes(100 * 4096);
      using hasher = new Hasher({ algorithm: name });
      expect(await hasher.fingerprintAsync(bytes)).toEqual(hasher.fingerprint(bytes));
    },
  );

  it.each(algorithms())('$name have the size that it says', ({ name, digestBytes }) => {
    expect(fingerprintPages(Buffer.alloc(3 * 4096), { algorithm: name })).toHaveLength(
      3 * digestBytes,
    );
  });

  it('of no pages are none', async () => {
    expect(fingerprintPages(Buffer.alloc(0))).toHaveLength(0);
    expect(await fingerprintPagesAsync(Buffer.alloc(0))).toHaveLength(0);
  });

  it('depend on the seed', () => {
    const page = randomBytes(4096);
    const digest = (seed: number | bigint) =>
      fingerprintPages(page, { algorithm: 'xxh64', seed }).toString('hex');
    expect(digest(1)).toBe(digest(1n));
    expect(new Set([digest(0), digest(1), digest(2n ** 64n - 1n)]).size).toBe(3);
  });
});

describe('the key of ph128', () => {
  const page = randomBytes(4096);

  it('is another one for each hasher', () => {
    using one = new Hasher();
    using other = new Hasher();
    expect(one.fingerprint(page)).toEqual(one.fingerprint(page));
    expect(one.fingerprint(page)).not.toEqual(other.fingerprint(page));
  });

  it('is copied when it is given', () => {
    const key = randomBytes(4096 + 32);
    using hasher = new Hasher({ key });
    const before = hasher.fingerprint(page);
    key.fill(0);
    expect(hasher.fingerprint(page)).toEqual(before);
  });

  it('is shown by nothing', () => {
    const key = Buffer.alloc(4096 + 32, 'fakedirty-secret');
    using hasher = new Hasher({ key });
    expect(JSON.stringify(hasher)).not.toContain('secret');
    expect(Object.keys(hasher)).toEqual([
      'algorithm',
      'pageSize',
      'digestBytes',
      'target',
      'lanes',
    ]);
    // biome-ignore lint/suspicious/noExplicitAny: wrong types are the point
    const asText = () => new Hasher({ key: key.toString('latin1') as any });
    expect(asText).toThrow(/^key: expected a Uint8Array$/);
    const wrong = () => new Hasher({ key: key.subarray(1) });
    expect(wrong).toThrow(/^key: has 4127 bytes; ph128 takes a key of 4128 bytes$/);
  });
});

describe('bytes', () => {
  const bytes = randomBytes(3 * 4096);
  const hasher = new Hasher({ algorithm: 'xxh3-128' });
  const expected = hasher.fingerprint(bytes);

  /** The bytes again, in other memory, after so many other bytes. */
  function moved<Memory extends ArrayBufferLike>(memory: Memory, offset: number): Memory {
    new Uint8Array(memory).set(bytes, offset);
    return memory;
  }

  it.each([
    ['Buffer', bytes],
    ['Uint8Array', new Uint8Array(moved(new ArrayBuffer(20000), 3), 3, bytes.length)],
    ['Int8Array', new Int8Array(moved(new ArrayBuffer(20000), 5), 5, bytes.length)],
    ['Uint16Array', new Uint16Array(moved(new ArrayBuffer(20000), 6), 6, bytes.length / 2)],
    ['Float64Array', new Float64Array(moved(new ArrayBuffer(20000), 8), 8, bytes.length / 8)],
    ['BigInt64Array', new BigInt64Array(moved(new ArrayBuffer(20000), 16), 16, bytes.length / 8)],
    ['DataView', new DataView(moved(new ArrayBuffer(20000), 7), 7, bytes.length)],
    ['ArrayBuffer', moved(new ArrayBuffer(bytes.length), 0)],
    ['SharedArrayBuffer', moved(new SharedArrayBuffer(bytes.length), 0)],
    [
      'view of a SharedArrayBuffer',
      new Uint8Array(moved(new SharedArrayBuffer(20000), 9), 9, bytes.length),
    ],
  ])('of a %s are read in place', async (_, view) => {
    expect(hasher.fingerprint(view)).toEqual(expected);
    expect(await hasher.fingerprintAsync(view)).toEqual(expected);
    const inside = ArrayBuffer.isView(view)
      ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
      : new Uint8Array(view);
    inside[4096] = (inside[4096] ?? 0) ^ 1;
    const changed = hasher.fingerprint(view);
    inside[4096] = (inside[4096] ?? 0) ^ 1;
    expect(changed.subarray(0, 16)).toEqual(expected.subarray(0, 16));
    expect(changed.subarray(16, 32)).not.toEqual(expected.subarray(16, 32));
  });

  it('have any offset and any number of pages', () => {
    using sha1 = new Hasher({ algorithm: 'sha1', pageSize: 1024 });
    const pool = randomBytes(70 * 1024);
    fc.assert(
      fc.property(fc.nat(1023), fc.nat(69), (offset, pages) => {
        const view = pool.subarray(offset, offset + pages * 1024);
        expect(sha1.fingerprint(view)).toEqual(cryptoDigests('sha1', view, 1024));
      }),
      { numRuns: 60 },
    );
  });

  it('must be whole pages', () => {
    expect(() => fingerprintPages(Buffer.alloc(4097))).toThrow(
      /^bytes: has 4097 bytes; expected a multiple of the page size, 4096$/,
    );
  });
});

describe('into', () => {
  const hasher = new Hasher({ algorithm: 'md5' });
  const bytes = randomBytes(2 * 4096);

  it('receives the digests at its start', () => {
    const into = new Uint8Array(40).fill(7);
    expect(hasher.fingerprint(bytes, { into })).toBe(into);
    expect(Buffer.from(into.subarray(0, 32))).toEqual(cryptoDigests('md5', bytes, 4096));
    expect([...into.subarray(32)]).toEqual(Array(8).fill(7));
  });

  it('must be long enough, and is then left alone', () => {
    const into = new Uint8Array(31);
    expect(() => hasher.fingerprint(bytes, { into })).toThrow(OptionError);
    expect(() => hasher.fingerprint(bytes, { into })).toThrow(
      /^into: has 31 bytes; 32 are needed$/,
    );
    expect(into.every((byte) => byte === 0)).toBe(true);
  });

  it('must not lie in the pages, whose bytes it would change before they are read', () => {
    const memory = Buffer.from(randomBytes(600 * 4096));
    const before = Buffer.from(memory);
    const pages = memory.subarray(4096, 599 * 4096);
    const digestsBytes = 598 * 16;
    for (const start of [4096 - digestsBytes + 1, 4096, 300 * 4096 + 5, 599 * 4096 - 1]) {
      const into = memory.subarray(Math.max(0, start), Math.max(0, start) + digestsBytes);
      if (into.length < digestsBytes) continue;
      expect(() => hasher.fingerprint(pages, { into })).toThrow(OptionError);
      expect(() => hasher.fingerprint(pages, { into })).toThrow(
        /^into: lies in the pages that are/,
      );
      expect(memory.equals(before)).toBe(true);
    }
    const beside = memory.subarray(0, 16);
    const expected = cryptoDigests('md5', pages.subarray(0, 4096), 4096);
    expect(hasher.fingerprint(pages.subarray(0, 4096), { into: beside })).toEqual(expected);
  });
});

describe('a range', () => {
  const hasher = new Hasher({ algorithm: 'md5' });
  const bytes = randomBytes(5 * 4096);
  const digests = cryptoDigests('md5', bytes, 4096);

  it('is the pages from the first on, as many as are asked for', () => {
    expect(hasher.fingerprint(bytes, { first: 1, pages: 3 })).toEqual(digests.subarray(16, 64));
    expect(hasher.fingerprint(bytes, { first: 4 })).toEqual(digests.subarray(64));
    expect(hasher.fingerprint(bytes, { pages: 1 })).toEqual(digests.subarray(0, 16));
    expect(hasher.fingerprint(bytes, { first: 5 })).toHaveLength(0);
    const into = new Uint8Array(40).fill(7);
    expect(hasher.fingerprint(bytes, { into, first: 3, pages: 2 })).toBe(into);
    expect(Buffer.from(into.subarray(0, 32))).toEqual(digests.subarray(48));
    expect([...into.subarray(32)]).toEqual(Array(8).fill(7));
  });

  it.each([
    [{ first: 6 }, /^first: no such pages: -1 from 6 on, of 5$/],
    [{ first: 3, pages: 3 }, /^first: no such pages: 3 from 3 on, of 5$/],
    [{ first: -1, pages: 1 }, /no such pages/],
    [{ first: 0.5, pages: 1 }, /no such pages/],
    [{ pages: 2 ** 60 }, /no such pages/],
    [{ first: '1' }, /no such pages: .* from '1' on/],
    [3, /^options: is 3; expected \{ into, first, pages \}$/],
    [null, /^options: is null/],
    // What earlier versions took in this place must not be ignored.
    [new Uint8Array(80), /^options: is an object; expected/],
  ])('that is none is an error: %j', (range, problem) => {
    const call = () => hasher.fingerprint(bytes, range as object);
    expect(call).toThrow(OptionError);
    expect(call).toThrow(problem);
  });

  it('whose members take the memory away is an error, not a crash', () => {
    const away = new Uint8Array(new ArrayBuffer(2 * 4096));
    const range = {
      get first() {
        structuredClone(away.buffer, { transfer: [away.buffer] });
        return 1;
      },
    };
    expect(() => hasher.fingerprint(away, range)).toThrow(/^bytes: its memory was taken away/);
  });
});

describe('a hasher that was disposed of', () => {
  it('says so', async () => {
    const hasher = new Hasher();
    hasher.dispose();
    hasher.dispose();
    expect(() => hasher.fingerprint(Buffer.alloc(4096))).toThrow(DisposedError);
    await expect(hasher.fingerprintAsync(Buffer.alloc(4096))).rejects.toThrow(DisposedError);
  });

  it('lets work under way end or say so', async () => {
    const hasher = new Hasher({ algorithm: 'sha256' });
    const running = hasher.fingerprintAsync(randomBytes(64 * 1024 * 1024, 3));
    hasher.dispose();
    await expect(running).rejects.toThrow(DisposedError);
  });
});
