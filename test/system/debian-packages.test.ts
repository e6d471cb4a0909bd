// What is said where missing packages cannot be installed. Nothing is installed here.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ensureDebianPackages, SystemPackagesError } from '../../lib/system/debian-packages.js';
import { StepFailed, tellStepsTo } from '../../lib/system/step.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
  vi.stubEnv('FAKEDIRTY_CACHE', join(directory, 'cache'));
  // Nothing but what a test puts there can be run.
  mkdirSync(join(directory, 'bin'));
  vi.stubEnv('PATH', join(directory, 'bin'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true, force: true });
});

function program(name: string, script: string): void {
  writeFileSync(join(directory, 'bin', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

function failure(...packages: string[]): Promise<unknown> {
  return ensureDebianPackages(packages).catch((caught: unknown) => caught);
}

it('names the packages where the system is not a Debian', async () => {
  const error = await failure('ninja-build', 'libfdt-dev');
  expect(error).toBeInstanceOf(SystemPackagesError);
  expect(error).toMatchObject({
    code: 'ERR_SYSTEM_PACKAGES',
    message: expect.stringMatching(/not a Debian system.*: ninja-build libfdt-dev$/),
  });
});

it('names those that are missing where apt-get is not here', async () => {
  program('dpkg-query', 'echo libfdt-dev installed; exit 1');
  for (const name of ['flock', 'sh', 'cat']) {
    const { stdout } = spawnSync('/bin/sh', ['-c', `PATH=/usr/bin:/bin command -v ${name}`]);
    symlinkSync(String(stdout).trim(), join(directory, 'bin', name));
  }
  let told = '';
  tellStepsTo({ write: (text: string) => (told += text) });
  const error = await failure('ninja-build', 'libfdt-dev');
  tellStepsTo(process.stdout);
  expect(error).toBeInstanceOf(StepFailed);
  expect((error as StepFailed).cause).toMatchObject({
    code: 'ERR_SYSTEM_PACKAGES',
    message: 'apt-get is not here; install these packages yourself: ninja-build',
  });
  expect(told).toContain('FAILED');
});
