import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cpioArchive, type Entry, foldersOf } from '../../../lib/lab/guest/cpio.js';

interface Unpacked {
  readonly path: string;
  readonly mode: number;
  readonly data: Buffer;
}

/** Written after the kernel's description of the format (initramfs buffer format), not after ours. */
function unpack(archive: Buffer): Unpacked[] {
  const found: Unpacked[] = [];
  let at = 0;
  const align = () => {
    while (at % 4 !== 0) {
      expect(archive[at]).toBe(0);
      at += 1;
    }
  };
  for (;;) {
    expect(archive.toString('latin1', at, at + 6)).toBe('070701');
    const field = (index: number) =>
      Number.parseInt(archive.toString('latin1', at + 6 + 8 * index, at + 14 + 8 * index), 16);
    const [mode, size, nameSize] = [field(1), field(6), field(11)];
    at += 110;
    expect(archive[at + nameSize - 1]).toBe(0);
    const path = archive.toString('utf8', at, at + nameSize - 1);
    at += nameSize;
    align();
    const data = archive.subarray(at, at + size);
    at += size;
    align();
    if (path === 'TRAILER!!!') return found;
    found.push({ path, mode, data });
  }
}

const name = fc.stringMatching(/^[a-z0-9._é-]{1,12}$/);

describe('an archive for the kernel', () => {
  it('contains files and folders unchanged, whatever their names and sizes', () => {
    const entry: fc.Arbitrary<Entry> = fc.oneof(
      name.map((path) => ({ path, kind: 'directory' as const })),
      fc.record({
        path: name,
        kind: fc.constant('file' as const),
        mode: fc.integer({ min: 0, max: 0o777 }),
        data: fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
      }),
    );
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 8 }), (entries) => {
        const expected = entries.map((each) =>
          each.kind === 'file'
            ? { path: each.path, mode: 0o100000 | each.mode, data: each.data }
            : { path: each.path, mode: 0o040755, data: Buffer.alloc(0) },
        );
        expect(unpack(cpioArchive(entries))).toEqual(expected);
      }),
    );
  });

  it('has each folder once, before what is in it', () => {
    const folders = foldersOf(['init', 'a/b/c', 'a/d', 'a/b/e']).map(({ path }) => path);
    expect(folders).toEqual(['a', 'a/b']);
  });
});
