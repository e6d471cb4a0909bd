// Directories with all that they lie in.
import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { installTo } from '../../lib/qemu/compile/build.js';
import type { BuiltQemu } from '../../lib/qemu/compile/built.js';
import { makeDirectory } from '../../lib/system/make-directory.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('makeDirectory', () => {
  it('makes what is missing, and leaves what is there', () => {
    const path = join(folder, 'a', 'b', 'c');
    makeDirectory(path);
    makeDirectory(path);
    expect(statSync(path).isDirectory()).toBe(true);
  });

  it('gives what it makes the mode that it is told, and leaves that of what is there', () => {
    const before = statSync(folder).mode;
    makeDirectory(join(folder, 'private', 'too'), 0o700);
    makeDirectory(join(folder, 'shared'));
    makeDirectory(join(folder, 'shared', 'private'), 0o700);
    const modeOf = (...path: string[]) => statSync(join(folder, ...path)).mode & 0o777;
    expect(modeOf('private')).toBe(0o700);
    expect(modeOf('private', 'too')).toBe(0o700);
    expect(modeOf('shared', 'private')).toBe(0o700);
    expect(modeOf('shared')).toBe(0o777 & ~process.umask());
    expect(statSync(folder).mode).toBe(before);
  });

  it.each(['/proc/x', '/proc/x/y/z', '/sys/x'])('says why it can not make %s', (path) => {
    expect(() => makeDirectory(path)).toThrow(/^E[A-Z]+: .*mkdir/);
  });

  it('says so where a file or a dead link is in the way', () => {
    writeFileSync(join(folder, 'file'), '');
    symlinkSync('/nowhere', join(folder, 'link'));
    for (const path of ['file', 'file/below', 'link']) {
      expect(() => makeDirectory(join(folder, path))).toThrow(/^E(EXIST|NOTDIR)/);
    }
  });
});

it('a prefix in which nothing can be made is refused', () => {
  const built = { directory: folder, programs: {} } as unknown as BuiltQemu;
  expect(() => installTo(built, '/proc/x')).toThrow(/^prefix: nothing can be written in \/proc\/x/);
});
