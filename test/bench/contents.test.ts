import { describe, expect, it } from 'vitest';
import { contentNames, fillPages } from '../../bench/contents.js';

function pages(contents: (typeof contentNames)[number], pageSizeBytes = 4096, count = 64): Buffer {
  const bytes = Buffer.alloc(pageSizeBytes * count, 0xee);
  fillPages(bytes, contents, pageSizeBytes);
  return bytes;
}

describe('pages', () => {
  it.each(contentNames)('of %s are the same each time', (contents) => {
    expect(pages(contents).equals(pages(contents))).toBe(true);
  });

  it('of zeros are all zero', () => {
    expect(pages('zero').every((byte) => byte === 0)).toBe(true);
  });

  it('that are half zero are so in their second half, whatever their size', () => {
    for (const size of [4096, 65536]) {
      const bytes = pages('half-zero', size, 3);
      for (let page = 0; page < 3; page += 1) {
        const at = page * size;
        expect(bytes.subarray(at + size / 2, at + size).every((byte) => byte === 0)).toBe(true);
        expect(bytes.subarray(at, at + size / 2).every((byte) => byte === 0)).toBe(false);
      }
    }
  });

  it('of text are printable lines, and random ones differ from each other', () => {
    expect(pages('text').toString('latin1')).toMatch(/^[ -~\n]+$/);
    const bytes = pages('random');
    const distinct = new Set(
      Array.from({ length: 64 }, (_, at) => bytes.toString('hex', at * 4096, (at + 1) * 4096)),
    );
    expect(distinct.size).toBe(64);
  });
});
