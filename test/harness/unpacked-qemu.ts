// The source of the QEMU under test, unpacked for a test file, and removed after it.
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultSource, namedSource, unpack } from '../../lib/qemu/compile/source.js';
import { cacheDirectory } from '../../lib/system/cache.js';
import { step } from '../../lib/system/step.js';
import { testedVersion } from './requirements.js';

export interface Unpacked {
  /** For whatever else belongs to it. */
  readonly work: string;
  readonly tree: string;
  remove(): Promise<void>;
}

/** A tree of QEMU has many files. */
export const removeMs = 300_000;

/** `name` is that of the folder and of the log. */
export async function unpackTested(name: string): Promise<Unpacked> {
  const { FAKEDIRTY_QEMU_SOURCE } = process.env;
  const work = mkdtempSync(join(cacheDirectory('building'), `${name}-`));
  const tree = join(work, 'tree');
  const source = FAKEDIRTY_QEMU_SOURCE
    ? await namedSource(FAKEDIRTY_QEMU_SOURCE)
    : await defaultSource(testedVersion);
  await step({ title: 'unpacking', log: name }, ({ run }) => unpack(source, tree, run));
  return { work, tree, remove: () => rm(work, { recursive: true, force: true }) };
}
