// What has been built is found again at once, by people and by scripts.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '../../../lib/system/package-root.js';
import { findQemu, testedVersion } from '../../harness/requirements.js';

const timeout = 60_000;
const instantMs = 20_000;
const { FAKEDIRTY_QEMU_SOURCE, FAKEDIRTY_QEMU } = process.env;

function fakedirty(...args: string[]) {
  const main = join(packageRoot, 'dist', 'cli', 'main.js');
  return spawnSync(process.execPath, [main, 'qemu', ...args], { encoding: 'utf8', timeout });
}

it('"qemu build" finds in a moment what it has built, and "qemu path" prints where it is', {
  timeout,
}, (context) => {
  const qemu = FAKEDIRTY_QEMU ? undefined : findQemu(testedVersion);
  if (!qemu) {
    context.skip(`needs what "fakedirty qemu build --version ${testedVersion}" builds`);
    return;
  }
  const source = FAKEDIRTY_QEMU_SOURCE ? ['--source', FAKEDIRTY_QEMU_SOURCE] : [];
  const begin = Date.now();
  const { status, stdout, stderr } = fakedirty('build', '--version', testedVersion, ...source);
  expect(status, stderr).toBe(0);
  expect(stdout).not.toMatch(/compiling/);
  // It looks at the source, and may ask whether there is a newer one.
  expect(Date.now() - begin).toBeLessThan(instantMs);
  expect(fakedirty('path', '--version', testedVersion).stdout).toBe(`${qemu.binary}\n`);
});
