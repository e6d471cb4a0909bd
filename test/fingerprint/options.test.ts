import { describe, expect, it } from 'vitest';
import { FingerprintTable, fingerprintPages, Hasher, OptionError } from '../../lib/index.js';

function errorOf(call: () => unknown): OptionError {
  try {
    call();
  } catch (error) {
    if (error instanceof OptionError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** What a caller without types may pass. */
// biome-ignore lint/suspicious/noExplicitAny: wrong types are the point
const hasherWith = (options: any) => () => new Hasher(options);

describe('a misspelled algorithm', () => {
  it.each([
    ['sha-1', 'sha1'],
    ['SHA256', 'sha256'],
    ['ph-128', 'ph128'],
    ['xxh3_128', 'xxh3-128'],
    ['murmur3', 'murmur3-128'],
    ['crc', 'crc32'],
  ])('%s: %s is named', (given, nearest) => {
    const error = errorOf(hasherWith({ algorithm: given }));
    expect(error.option).toBe('algorithm');
    expect(error.nearest).toBe(nearest);
    expect(error.accepted).toContain('ph128');
    expect(error.message).toContain(`Did you mean '${nearest}'?`);
  });

  it('that looks like none gets no suggestion', () => {
    const error = errorOf(hasherWith({ algorithm: 'whirlpool' }));
    expect(error.nearest).toBeUndefined();
    expect(error.message).toMatch(/^algorithm: is 'whirlpool'; one of ph128, xxh3-128, .*crc32$/);
  });
});

describe('a wrong option', () => {
  it.each([
    [{ algoritm: 'sha1' }, 'algoritm', /no such option; one of algorithm, .* mean 'algorithm'\?/],
    [{ algorithm: 3 }, 'algorithm', /is 3; one of ph128/],
    [{ pageSize: 4095 }, 'pageSize', /is 4095; one of 1024, 2048, .*65536/],
    [{ pageSize: '4096' }, 'pageSize', /is '4096'/],
    [{ pageSize: 2 ** 40 }, 'pageSize', /one of 1024/],
    [{ seed: -1 }, 'seed', /is -1; expected a whole number/],
    [{ seed: 0.5 }, 'seed', /is 0.5; expected a whole number/],
    [
      { seed: 2n ** 64n, algorithm: 'xxh64' },
      'seed',
      /expected a whole number from 0 to 2\^64 - 1/,
    ],
    [{ seed: 2n ** 32n, algorithm: 'xxh32' }, 'seed', /xxh32 takes a seed of 32 bits/],
    [{ seed: 1 }, 'seed', /is 1; ph128 takes no seed/],
    [{ key: 'secret' }, 'key', /expected a Uint8Array/],
    [{ key: new Uint8Array(8), algorithm: 'md5' }, 'key', /has 8 bytes; md5 takes no key/],
    [{ target: 'mmx' }, 'target', /is 'mmx', which this machine does not have; one of .*portable/],
    [7, 'options', /is 7; expected object/],
    ['ph128', 'options', /expected object/],
  ])('no. %#: $1 is named', (options, option, message) => {
    const error = errorOf(hasherWith(options));
    expect(error.option).toBe(option);
    expect(error.message).toMatch(message);
  });

  it('of a table is named', () => {
    // biome-ignore lint/suspicious/noExplicitAny: wrong types are the point
    const table = (options: any) => errorOf(() => new FingerprintTable(options));
    expect(table({ pages: 0 }).message).toMatch(/^pages: is 0; expected at least 1/);
    expect(table({}).option).toBe('pages');
    expect(table({ pages: 1, verify: 'yes' }).option).toBe('verify');
    expect(table({ pages: 1, hasher: {} }).option).toBe('hasher');
    const hasher = new Hasher();
    expect(table({ pages: 1, hasher, algorithm: 'md5' }).message).toMatch(/^algorithm: the hasher/);
    expect(table({ pages: 1, algorithm: 'sh1' }).nearest).toBe('sha1');
  });
});

describe('what is not bytes', () => {
  it.each([null, undefined, 5, 'page', {}, [1, 2], () => 1])('%s is named', (value) => {
    // biome-ignore lint/suspicious/noExplicitAny: wrong types are the point
    const error = errorOf(() => fingerprintPages(value as any));
    expect(error.message).toMatch(
      /^bytes: is \w+; expected a Buffer, TypedArray, DataView or memory/,
    );
  });
});

describe('memory that is gone', () => {
  const taken = <View extends ArrayBufferView>(view: View): View => {
    structuredClone(view.buffer, { transfer: [view.buffer as ArrayBuffer] });
    return view;
  };
  const gone = /its buffer is detached/;
  const empty = Buffer.alloc(0);

  it('is no empty list of pages, in whatever it is given as', () => {
    const table = new FingerprintTable({ pages: 2 });
    const calls: [string, () => unknown][] = [
      ['key', () => new Hasher({ key: taken(new Uint8Array(4128)) })],
      ['into', () => new Hasher().fingerprint(empty, { into: taken(new Uint8Array(16)) })],
      ['where', () => table.check(empty, taken(new Uint32Array(1)))],
      ['where', () => table.checkAndCommit(empty, taken(new Float64Array(1)))],
    ];
    for (const [option, call] of calls) {
      const error = errorOf(call);
      expect(error.message).toMatch(gone);
      expect(error.option).toBe(option);
    }
  });

  it('commits no other pages than those that were sent', () => {
    const table = new FingerprintTable({ pages: 2 });
    const check = table.check(Buffer.alloc(8192, 1));
    const sent = taken(new Uint32Array([0, 1]));
    expect(errorOf(() => table.commit(check, sent)).message).toMatch(
      /^sent: its buffer is detached/,
    );
    table.commit(check, [0]);
    expect(table.statistics()).toMatchObject({ counted: { first: 1 }, slots: { known: 1 } });
  });

  it('leaves the counts of a check right whose verdicts were posted elsewhere', () => {
    const table = new FingerprintTable({ pages: 2 });
    const check = table.check(Buffer.alloc(8192, 1));
    taken(check.verdicts);
    expect(errorOf(() => table.commit(check, [0])).message).toMatch(/^check\.verdicts: its buffer/);
    table.commit(check);
    expect(table.statistics()).toMatchObject({ counted: { first: 2 }, slots: { known: 2 } });
  });

  it('is noticed when it goes in the middle of a call', () => {
    const bytes = () => new Uint8Array(8192);
    const [forHasher, forTable] = [bytes(), bytes()];
    const range = {
      get first() {
        taken(forHasher);
        return 0;
      },
      pages: 2,
    };
    const where = {
      length: 2,
      get 0() {
        taken(forTable);
        return 0;
      },
      1: 1,
    };
    const table = new FingerprintTable({ pages: 2 });
    for (const call of [
      () => new Hasher().fingerprint(forHasher, range),
      () => table.checkAndCommit(forTable, where),
    ]) {
      expect(errorOf(call).message).toBe('bytes: its memory was taken away while it was used');
    }
  });

  it('is not an empty one', () => {
    const buffer = new ArrayBuffer(4096);
    const views = [new Uint8Array(buffer), new DataView(buffer), buffer];
    structuredClone(buffer, { transfer: [buffer] });
    for (const view of views) {
      expect(errorOf(() => fingerprintPages(view)).message).toMatch(
        /^bytes: its buffer is detached/,
      );
    }
  });

  it('was cut off under a view', () => {
    const Resizable = ArrayBuffer as unknown as new (
      bytes: number,
      options: { maxByteLength: number },
    ) => ArrayBuffer & { resize(bytes: number): void };
    const buffer = new Resizable(8192, { maxByteLength: 8192 });
    const second = new Uint8Array(buffer, 4096, 4096);
    const view = new DataView(buffer, 4096, 4096);
    expect(fingerprintPages(second)).toHaveLength(16);
    buffer.resize(4096);
    for (const gone of [second, view]) {
      expect(errorOf(() => fingerprintPages(gone)).message).toMatch(/too short for it$/);
    }
  });
});
