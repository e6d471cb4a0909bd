import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { QemuBuildError } from '../../../lib/qemu/compile/errors.js';
import { applySeries, readSeries } from '../../../lib/qemu/compile/series.js';
import { qemuVersions } from '../../../lib/qemu/compile/versions.js';
import { packageRoot } from '../../../lib/system/package-root.js';
import { step } from '../../../lib/system/step.js';

const original = 'one\ntwo\nthree\nfour\nfive\nsix\nseven\n';
const patch = `Says two in another way.

--- a/migration/ram.c
+++ b/migration/ram.c
@@ -1,5 +1,5 @@
 one
-two
+2
 three
 four
 five
`;

let directory: string;

function put(name: string, text: string): string {
  const file = join(directory, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

function read(name: string): string {
  return readFileSync(join(directory, name), 'utf8');
}

function apply(): Promise<void> {
  const series = readSeries(join(directory, 'patches'), '7.2');
  return step({ title: 'test: applying', log: 'test-series' }, (tools) =>
    applySeries(series, join(directory, 'tree'), tools),
  );
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
  put('tree/VERSION', '7.2.99\n');
  put('tree/migration/ram.c', original);
  put('patches/7.2/0001-two.patch', patch);
  put('patches/shared/migration/new.c', 'new\n');
});

afterEach(() => rmSync(directory, { recursive: true }));

describe('a series', () => {
  it('patches and copies, in the order of its lines', async () => {
    put(
      'patches/7.2/series',
      '# why\ncopy ../shared/migration/new.c migration/deep/new.c\n\npatch 0001-two.patch\n',
    );
    await apply();
    expect(read('tree/migration/ram.c')).toBe(original.replace('two', '2'));
    expect(read('tree/migration/deep/new.c')).toBe('new\n');
  });

  it('has a digest of everything that it puts into a tree', () => {
    put('patches/7.2/series', 'patch 0001-two.patch\ncopy ../shared/migration/new.c a.c\n');
    const digest = () => readSeries(join(directory, 'patches'), '7.2').digest;
    const digests = [digest()];
    put('patches/shared/migration/new.c', 'newer\n');
    digests.push(digest());
    put('patches/7.2/0001-two.patch', patch.replace('Says', 'Tells'));
    digests.push(digest());
    put('patches/7.2/series', 'patch 0001-two.patch\ncopy ../shared/migration/new.c b.c\n');
    digests.push(digest());
    expect(new Set(digests).size).toBe(4);
  });

  it.each([
    [
      'a hunk that fits nowhere',
      original.replace('two', 'deux').replace('three', 'trois'),
      /ram\.c.*hunk 1/,
    ],
    ['a change that is there already', original.replace('two', '2'), /ram\.c/],
  ])('names patch, file and version for %s', async (_, text, place) => {
    put('tree/migration/ram.c', text);
    put('patches/7.2/series', 'patch 0001-two.patch\n');
    const { cause } = await apply().catch((caught) => caught);
    expect(cause).toBeInstanceOf(QemuBuildError);
    expect(cause).toMatchObject({ failure: 'series-does-not-apply' });
    expect(cause.message).toMatch(/7\.2\.99.*0001-two\.patch/);
    expect(cause.message).toMatch(place);
  });

  it('names a file that the tree does not have', async () => {
    put('patches/7.2/0001-two.patch', patch.replaceAll('ram.c', 'rom.c'));
    put('patches/7.2/series', 'patch 0001-two.patch\n');
    const { cause } = await apply().catch((caught) => caught);
    expect(cause.message).toMatch(/migration\/rom\.c/);
  });

  it.each([
    'pitch 0001-two.patch',
    'patch',
    'copy ../shared/migration/new.c',
    'patch 0002-gone.patch',
  ])('refuses the line "%s"', (line) => {
    put('patches/7.2/series', `${line}\n`);
    expect(() => readSeries(join(directory, 'patches'), '7.2')).toThrow(/series:1/);
  });
});

describe('the series of this project', () => {
  it.each(qemuVersions)('for %s names nothing that is not there', (version) => {
    const { steps } = readSeries(join(packageRoot, 'qemu-patches'), version);
    expect(steps.length).toBeGreaterThan(0);
  });
});
