// Where QEMU's source comes from when nobody names one, and what is said where there is none.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { DownloadError } from '../../../lib/qemu/compile/download.js';
import { QemuBuildError } from '../../../lib/qemu/compile/errors.js';
import { defaultSource } from '../../../lib/qemu/compile/source.js';

vi.mock('../../../lib/qemu/compile/download.js', async (original) => ({
  ...(await original<object>()),
  download: () => Promise.reject(new DownloadError('getaddrinfo ENOTFOUND')),
}));
vi.mock('../../../lib/qemu/compile/debian-source.js', () => ({
  fetchDebianSource: () => Promise.reject(new QemuBuildError('no-source', 'apt has none')),
}));

let cache: string;
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
  vi.stubEnv('FAKEDIRTY_CACHE', cache);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(cache, { recursive: true });
});

it('says what was tried, and what to do: another way to get it, or the default version', async () => {
  const refusal = await defaultSource('8.1').catch((error: Error) => error.message);
  expect(refusal).toMatch(/download\.qemu\.org\/qemu-8\.1\.5\.tar\.xz: getaddrinfo ENOTFOUND/);
  expect(refusal).toMatch(/Instead: apt has none\. Get qemu-8\.1\.5\.tar\.xz in another way/);
  expect(refusal).toMatch(/--source, or take --version 7\.2, whose source Debian has too\.$/);
});

it('does not offer the default version where that is missing', async () => {
  await expect(defaultSource('7.2')).rejects.toThrow(/name it with --source\.$/);
});
