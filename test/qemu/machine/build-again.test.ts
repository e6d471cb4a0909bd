// What has been built is found again at once, by people and by scripts.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '../../../lib/system/package-root.js';
import { findQemu, testedVersion } from '../../harness/requirements.js';

const { FAKEDIRTY_QEMU_SOURCE, FAKEDIRTY_QEMU } = process.env;

function fakedirty(...args: string[]) {
  const main = join(packageRoot, 'dist', 'cli', 'main.js');
  return spawnSync(process.execPath, [main, 'qemu', ...args], { encoding: 'utf8' });
}

it('"qemu build" finds what it has built, and "qemu path" prints where it is', (context) => {
  const qemu = FAKEDIRTY_QEMU ? undefined : findQemu(testedVersion);
  if (!qemu) {
    context.skip(`needs what "fakedirty qemu build --version ${testedVersion}" builds`);
    return;
  }
  const source = FAKEDIRTY_QEMU_SOURCE ? ['--source', FAKEDIRTY_QEMU_SOURCE] : [];
  const { status, stdout, stderr } = fakedirty('build', '--version', testedVersion, ...source);
  expect(status, stderr).toBe(0);
  // It looks at the source, and may ask whether there is a newer one.
  expect(stdout).not.toMatch(/compiling|\.\.\.$/m);
  expect(fakedirty('path', '--version', testedVersion).stdout).toBe(`${qemu.binary}\n`);
});
