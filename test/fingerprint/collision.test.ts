// A public MD5 collision: why MD5 is not fit for production, and what verify mode is for.
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { algorithmNames, FingerprintTable } from '../../lib/index.js';
import { collidingBytes, md5Twin } from '../harness/md5-collision.js';
import { randomBytes } from './reference.js';

const pageSize = 4096;
const page = Buffer.concat([collidingBytes, randomBytes(pageSize - collidingBytes.length)]);
const twin = md5Twin(page);

/** What a table says of the twin once it knows that the destination has the page. */
function seen(algorithm: (typeof algorithmNames)[number], verify: boolean) {
  using table = new FingerprintTable({ pages: 1, pageSize, algorithm, verify });
  table.checkAndCommit(page);
  const { counts } = table.checkAndCommit(twin);
  return { ...counts, falseSkips: table.statistics().falseSkips };
}

describe('two pages with a public MD5 collision', () => {
  it('differ, and have one MD5', () => {
    const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest('hex');
    expect(twin.equals(page)).toBe(false);
    expect(md5(twin)).toBe(md5(page));
  });

  it('are one page to md5, which would leave the destination with the wrong one', () => {
    expect(seen('md5', false)).toMatchObject({ unchanged: 1, changed: 0 });
  });

  it('are told apart in verify mode, which counts a false skip', () => {
    expect(seen('md5', true)).toMatchObject({ unchanged: 0, changed: 1, falseSkips: 1 });
  });

  it.each(algorithmNames.filter((name) => name !== 'md5'))('are told apart by %s', (name) => {
    expect(seen(name, true)).toMatchObject({ unchanged: 0, changed: 1, falseSkips: 0 });
  });
});
