import { constants } from 'node:buffer';
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  rmSync,
  statfsSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  DisposedError,
  FingerprintTable,
  fingerprintPages,
  Hasher,
  MemoryFile,
  MemoryFileError,
  OptionError,
} from '../../lib/index.js';
import { randomBytes } from './reference.js';

const directory = mkdtempSync(join(tmpdir(), 'fakedirty-memory-file-'));
afterAll(() => rmSync(directory, { recursive: true }));

const bytes = randomBytes(64 * 1024 * 1024);
let files = 0;

function fileOf(content: Uint8Array): string {
  files += 1;
  const path = join(directory, `ram-${files}`);
  writeFileSync(path, content);
  return path;
}

describe('a memory file', () => {
  it('has the digests of its bytes', async () => {
    using file = new MemoryFile(fileOf(bytes));
    expect(file.bytes).toBe(bytes.length);
    expect(file.pages()).toBe(bytes.length / 4096);
    using hasher = new Hasher({ algorithm: 'xxh3-64' });
    const expected = fingerprintPages(bytes, { algorithm: 'xxh3-64' });
    expect(await file.fingerprint(hasher)).toEqual(expected);
    const some = await file.fingerprint(hasher, { first: 100, pages: 50 });
    expect(some).toEqual(expected.subarray(100 * 8, 150 * 8));
  });

  it('is read where it lies: not loaded, and as it is now', async () => {
    const path = fileOf(bytes);
    using file = new MemoryFile(path);
    using table = new FingerprintTable({ pages: file.pages() });
    expect((await file.checkAndCommit(table)).counts.first).toBe(file.pages());
    const writer = openSync(path, 'r+');
    writeSync(writer, Buffer.from('a store of the guest'), 0, 20, 5 * 4096 + 17);
    writeSync(writer, Buffer.alloc(4096), 0, 4096, 9 * 4096);
    closeSync(writer);
    const heapBefore = process.memoryUsage();
    const { verdicts, counts } = await file.checkAndCommit(table);
    const heapAfter = process.memoryUsage();
    expect(counts).toEqual({ first: 0, zero: 1, changed: 1, unchanged: file.pages() - 2 });
    expect([verdicts[5], verdicts[9]]).toEqual([2, 1]);
    expect(heapAfter.arrayBuffers - heapBefore.arrayBuffers).toBeLessThan(8 * 1024 * 1024);
  });

  it('may be the memory of a process, by its descriptor', async () => {
    const path = fileOf(bytes.subarray(0, 8192));
    const descriptor = openSync(path, 'r');
    using file = new MemoryFile(`/proc/self/fd/${descriptor}`);
    closeSync(descriptor);
    using hasher = new Hasher({ algorithm: 'md5' });
    const expected = fingerprintPages(bytes.subarray(0, 8192), { algorithm: 'md5' });
    expect(await file.fingerprint(hasher)).toEqual(expected);
  });

  it('of 16 GiB is looked at in part', async () => {
    const path = fileOf(new Uint8Array(0));
    truncateSync(path, 16 * 2 ** 30);
    using file = new MemoryFile(path);
    expect(file.pages()).toBe(2 ** 22);
    using table = new FingerprintTable({ pages: file.pages() });
    const last = { first: 2 ** 22 - 4, pages: 4 };
    expect((await file.checkAndCommit(table, last)).counts.zero).toBe(4);
    expect((await file.checkAndCommit(table, last)).counts.unchanged).toBe(4);
  });

  it('with more pages than an answer holds is an error, before anything is read', async () => {
    const path = fileOf(new Uint8Array(0));
    truncateSync(path, 15 * 2 ** 40);
    using file = new MemoryFile(path);
    using hasher = new Hasher({ algorithm: 'sha256', pageSize: 1024 });
    const refused = /^pages: is 16106127360; one answer holds \d+ at most: ask for fewer at a time/;
    // Newer Nodes have longer buffers.
    if (file.pages(1024) * hasher.digestBytes > constants.MAX_LENGTH) {
      await expect(file.fingerprint(hasher)).rejects.toThrow(OptionError);
      await expect(file.fingerprint(hasher)).rejects.toThrow(refused);
    }
    expect(await file.fingerprint(hasher, { first: 2 ** 33, pages: 1 })).toHaveLength(32);
  });
});

// A guest's memory that was never written has no memory behind it yet.
describe('a file of memory with holes', () => {
  const tmpfs = 0x01021994;
  const isTmpfs = existsSync('/dev/shm') && statfsSync('/dev/shm').type === tmpfs;
  const place = isTmpfs ? mkdtempSync('/dev/shm/fakedirty-memory-file-') : directory;
  afterAll(() => rmSync(place, { recursive: true, force: true }));
  const size = 64 * 1024 * 1024;
  /** Where something is written, up to the middle of an operating-system page. */
  const written = [0, 5 * 65536 + 4096, 5 * 65536 + 3 * 4096 + 1024, 40 * 1024 * 1024, size - 1024];

  /** The file, and what it holds. */
  function sparse(name: string): [path: string, content: Buffer] {
    const path = join(place, name);
    const content = Buffer.alloc(size);
    const file = openSync(path, 'w');
    ftruncateSync(file, size);
    for (const at of written) {
      bytes.copy(content, at, at, at + 1024);
      writeSync(file, content, at, 1024, at);
    }
    closeSync(file);
    return [path, content];
  }

  it.runIf(isTmpfs).each([1024, 4096, 65536])(
    'takes no memory by being looked at, in pages of %i bytes',
    async (pageSize) => {
      const [path, content] = sparse(`holes-${pageSize}`);
      const { blocks } = statSync(path);
      using file = new MemoryFile(path);
      using hasher = new Hasher({ algorithm: 'xxh3-64', pageSize });
      const expected = fingerprintPages(content, { algorithm: 'xxh3-64', pageSize });
      expect((await file.fingerprint(hasher)).equals(expected)).toBe(true);
      const some = await file.fingerprint(hasher, { first: 3, pages: 100 });
      expect(some.equals(expected.subarray(3 * 8, 103 * 8))).toBe(true);
      using table = new FingerprintTable({ pages: file.pages(pageSize), pageSize, verify: true });
      const { counts } = await file.checkAndCommit(table);
      const first = new Set(written.map((at) => Math.floor(at / pageSize))).size;
      const all = file.pages(pageSize);
      expect(counts).toEqual({ first, zero: all - first, changed: 0, unchanged: 0 });
      expect(table.check(content).counts.unchanged).toBe(all);
      // A page that has holes in it is read as a whole.
      const readBlocks = (written.length * Math.max(pageSize, 4096)) / 512;
      expect(statSync(path).blocks).toBeLessThanOrEqual(Math.max(blocks, readBlocks));
    },
  );

  it.runIf(isTmpfs)('shows what is written into a hole', async () => {
    const [path] = sparse('written-later');
    using file = new MemoryFile(path);
    using table = new FingerprintTable({ pages: file.pages() });
    await file.checkAndCommit(table);
    const writer = openSync(path, 'r+');
    writeSync(writer, Buffer.from('a store of the guest'), 0, 20, 7000 * 4096 + 9);
    closeSync(writer);
    const { verdicts, counts } = await file.checkAndCommit(table);
    expect(counts).toMatchObject({ changed: 1, zero: 0, first: 0 });
    expect(verdicts[7000]).toBe(2);
  });
});

describe('a file that becomes shorter', () => {
  const message = /ram-\d+: has become shorter than its 67108864 bytes$/;

  /** Shrinks the file when so many of its 16 parts have been read: others are being read then, or still have to be. */
  function shrinkAfter(parts: number, shrink: () => void): () => void {
    let read = 0;
    return () => {
      read += 1;
      if (read === parts) shrink();
    };
  }

  it('before it is read is an error', async () => {
    const path = fileOf(bytes);
    using file = new MemoryFile(path);
    using hasher = new Hasher();
    truncateSync(path, 4096);
    await expect(file.fingerprint(hasher)).rejects.toThrow(MemoryFileError);
    await expect(file.fingerprint(hasher)).rejects.toThrow(message);
  });

  it('while it is read is an error, again and again, and not the end of the process', async () => {
    using hasher = new Hasher({ algorithm: 'sha256' });
    for (let round = 0; round < 5; ++round) {
      const path = fileOf(bytes);
      const descriptor = openSync(path, 'r+');
      using file = new MemoryFile(path);
      const running = file.fingerprint(hasher, {
        threads: 3,
        onProgress: shrinkAfter(round + 1, () => ftruncateSync(descriptor, 4096 * (round + 1))),
      });
      await expect(running).rejects.toThrow(message);
      closeSync(descriptor);
    }
  });

  it('leaves nothing in a table that the file never held (R1)', async () => {
    const path = fileOf(bytes);
    const descriptor = openSync(path, 'r+');
    using file = new MemoryFile(path);
    using table = new FingerprintTable({ pages: file.pages(), algorithm: 'sha256' });
    const onProgress = shrinkAfter(1, () => ftruncateSync(descriptor, 4096));
    await expect(file.checkAndCommit(table, { onProgress })).rejects.toThrow(message);
    closeSync(descriptor);
    expect(table.check(Buffer.alloc(bytes.length)).counts.unchanged).toBe(0);
  });
});

describe('what is no memory file', () => {
  it.each([
    ['missing', () => join(directory, 'nowhere'), /nowhere: can't be mapped: No such file/],
    ['a directory', () => directory, /can't be mapped: it is not a regular file/],
    ['a device', () => '/dev/zero', /can't be mapped: it is not a regular file/],
    ['empty', () => fileOf(new Uint8Array(0)), /can't be mapped: it is empty/],
  ])('%s: the error says so', (_, path, message) => {
    expect(() => new MemoryFile(path())).toThrow(MemoryFileError);
    expect(() => new MemoryFile(path())).toThrow(message);
  });

  it.each(['', 'a\0b', 5, null, undefined])('%j is no path', (path) => {
    // biome-ignore lint/suspicious/noExplicitAny: wrong types are the point
    expect(() => new MemoryFile(path as any)).toThrow(OptionError);
  });

  it('not a whole number of pages: the error says so when they are asked for', async () => {
    using file = new MemoryFile(fileOf(bytes.subarray(0, 5000)));
    expect(() => file.pages()).toThrow(
      /has 5000 bytes, which is not a multiple of the page size, 4096$/,
    );
    using hasher = new Hasher();
    await expect(file.fingerprint(hasher)).rejects.toThrow(MemoryFileError);
  });

  it.each([
    { first: -1 },
    { first: 3 },
    { pages: 3 },
    { first: 1, pages: 2 },
    { first: 0.5 },
    { pages: Number.NaN },
  ])('%j is no range of its pages', async (range) => {
    using file = new MemoryFile(fileOf(bytes.subarray(0, 8192)));
    using hasher = new Hasher();
    await expect(file.fingerprint(hasher, range)).rejects.toThrow(OptionError);
  });
});

describe('a file that was disposed of', () => {
  it('says so, and lets go of what is under way', async () => {
    const file = new MemoryFile(fileOf(bytes));
    using hasher = new Hasher({ algorithm: 'sha256' });
    const running = file.fingerprint(hasher);
    file.dispose();
    await expect(running).rejects.toThrow(DisposedError);
    await expect(file.fingerprint(hasher)).rejects.toThrow(DisposedError);
  });

  it('gives its place back: a thousand are open at most, any number one after another', () => {
    const path = fileOf(bytes.subarray(0, 4096));
    for (let i = 0; i < 3000; ++i) new MemoryFile(path).dispose();
    const open: MemoryFile[] = [];
    const openTooMany = () => {
      for (let i = 0; i < 1025; ++i) open.push(new MemoryFile(path));
    };
    expect(openTooMany).toThrow(/too many files/);
    for (const file of open) file.dispose();
  });
});
