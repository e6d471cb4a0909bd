// One at a time, between processes: the kernel keeps the lock, and lets go when its holder dies.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LockError, withLock } from '../../lib/system/lock.js';
import { packageRoot } from '../../lib/system/package-root.js';

let cache: string;
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
  vi.stubEnv('FAKEDIRTY_CACHE', cache);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(cache, { recursive: true, force: true });
});

it('lets one work at a time, tells who has to wait, and lets go after a failure', async () => {
  const said: string[] = [];
  const events: string[] = [];
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let begin = () => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const first = withLock(
    'name',
    () => {},
    async () => {
      begin();
      await held;
      events.push('first');
      throw new Error('broken');
    },
  );
  await begun;
  const second = withLock(
    'name',
    (text) => {
      said.push(text);
      release();
    },
    async () => events.push('second'),
  );
  await expect(first).rejects.toThrow('broken');
  expect(await second).toBe(2);
  expect(events).toEqual(['first', 'second']);
  expect(said).toEqual([expect.stringMatching(/^waiting for another run, which holds .*\/name$/)]);
});

it('says which lock cannot be taken, and runs nothing without it', async () => {
  const file = join(cache, 'locks', 'name');
  mkdirSync(join(cache, 'locks'));
  symlinkSync(join(cache, 'no-such-folder', 'name'), file);
  const body = vi.fn(async () => {});
  const error = await withLock('name', () => {}, body).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(LockError);
  expect(error).toMatchObject({ code: 'ERR_LOCK', message: expect.stringContaining(file) });
  expect(body).not.toHaveBeenCalled();
});

it('is free again when its holder was killed', async () => {
  const program = `
    import { withLock } from '${packageRoot}/dist/system/lock.js';
    await withLock('name', () => {}, async () => {
      console.log('held');
      await new Promise((resolve) => setTimeout(resolve, 600_000));
    });
  `;
  const holder = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  holder.kill('SIGKILL');
  expect(
    await withLock(
      'name',
      () => {},
      async () => 'done',
    ),
  ).toBe('done');
});
