// A directory in a file system of its own that is soon full.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'vitest';

/** Gone when the test ends. */
export function smallFileSystem(context: TestContext, kibibytes: number): string {
  if (process.getuid?.() !== 0) context.skip('needs root, to mount a small file system');
  const directory = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
  const mount = ['-t', 'tmpfs', '-o', `size=${kibibytes}k`, 'none', directory];
  const mounted = spawnSync('mount', mount, { encoding: 'utf8' });
  if (mounted.status !== 0) {
    rmSync(directory, { recursive: true });
    context.skip(`needs to mount a small file system: ${mounted.stderr}`);
  }
  context.onTestFinished(() => {
    spawnSync('umount', [directory]);
    rmSync(directory, { recursive: true });
  });
  return directory;
}
