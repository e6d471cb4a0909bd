// The comparison of memories that all tests with migrations rest on.
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { mebibyte } from '../../../lib/format/bytes.js';
import { compareMemory } from '../../../lib/qemu/machine/compare-memory.js';

describe('comparing memories', () => {
  let directory: string;
  let files: [string, string];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
    files = [join(directory, 'one'), join(directory, 'other')];
    for (const file of files) {
      writeFileSync(file, '');
      truncateSync(file, 9 * mebibyte);
    }
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  async function poke(file: string, position: number): Promise<void> {
    const handle = await open(file, 'r+');
    await handle.write('x', position);
    await handle.close();
  }

  it('finds equal memories equal', async () => {
    const comparison = await compareMemory(...files);
    expect(comparison).toEqual({ pages: 2304, differentPages: 0, firstDifferent: [] });
  });

  it('finds every page that differs, in whichever file and wherever in the page', async () => {
    await poke(files[0], 0);
    await poke(files[1], 1025 * 4096 + 4095);
    await poke(files[1], 1025 * 4096 + 7);
    await poke(files[0], 2303 * 4096 + 4095);
    const comparison = await compareMemory(...files);
    expect(comparison).toMatchObject({ differentPages: 3, firstDifferent: [0, 1025, 2303] });
  });

  it('refuses memories of different sizes', async () => {
    truncateSync(files[1], 8 * mebibyte);
    await expect(compareMemory(...files)).rejects.toThrow(/9437184.*8388608/);
  });
});
