// The folder of a site's moves: one process at a time writes it, and what was written to its end counts.
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FleetBusyError, FleetJournalError, FleetWriteError } from '../../../lib/fleet/errors.js';
import { SiteFolder } from '../../../lib/fleet/journal/site-folder.js';
import { findProcess } from '../../../lib/system/detached.js';
import { smallFileSystem } from '../../harness/small-file-system.js';

let path: string;
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
});
afterEach(() => rmSync(path, { recursive: true }));

const journalOf = (folder: string) => join(folder, 'journal.jsonl');

describe('the folder of a site', () => {
  it('remembers what was written, and is private', async () => {
    const folder = new SiteFolder(join(path, 'state'));
    {
      await using taken = await folder.take('site.yaml', 'drain h1');
      taken.append({ type: 'cordon', host: 'h1' });
    }
    expect(folder.state().cordoned).toEqual(new Set(['h1']));
    expect(statSync(folder.path).mode & 0o777).toBe(0o700);
    expect(statSync(journalOf(folder.path)).mode & 0o777).toBe(0o600);
  });

  it('has one owner, and says who', async () => {
    const folder = new SiteFolder(path);
    {
      await using _taken = await folder.take('site.yaml', 'drain h1');
      const second = new SiteFolder(path).take('site.yaml', 'drain h2');
      await expect(second).rejects.toThrow(FleetBusyError);
      await expect(second).rejects.toThrow(`process ${process.pid} of`);
      expect(await folder.isBusy()).toBe(true);
    }
    expect(await folder.isBusy()).toBe(false);
  });

  it('is not busy because somebody looks whether it is', async () => {
    const folder = new SiteFolder(path);
    const looks = () => Promise.all(Array.from({ length: 4 }, () => folder.isBusy()));
    expect(await looks()).toEqual([false, false, false, false]);
    const looking = looks();
    await (await folder.take('site.yaml', 'drain h1'))[Symbol.asyncDispose]();
    await looking;
  });

  it('is written no more by a process that has lost it', async () => {
    const folder = new SiteFolder(path);
    await using taken = await folder.take('site.yaml', 'drain h1');
    const holder = findProcess((words) => words.includes(join(path, 'lock')));
    const readers = execFileSync('ps', ['--no-headers', '-o', 'pid', '--ppid', `${holder?.pid}`]);
    for (const pid of readers.toString().trim().split(/\s+/)) process.kill(Number(pid), 'SIGKILL');
    await vi.waitFor(() => {
      expect(() => taken.append({ type: 'cordon', host: 'h1' })).toThrow(FleetBusyError);
    });
    const { length } = folder.entries();
    expect(() => taken.append({ type: 'cordon', host: 'h2' })).toThrow(/lock of the site/);
    expect(folder.entries()).toHaveLength(length);
  });

  it('forgets a line that was not written to its end', async () => {
    const folder = new SiteFolder(path);
    await (await folder.take('site.yaml', 'drain h1'))[Symbol.asyncDispose]();
    appendFileSync(journalOf(path), '{"type":"cordon","ho');
    expect(folder.state().cordoned.size).toBe(0);
    await using taken = await folder.take('site.yaml', 'drain h1');
    taken.append({ type: 'cordon', host: 'h2' });
    expect(folder.entries().at(-1)).toMatchObject({ type: 'cordon', host: 'h2' });
  });

  it('does not guess what a line says that it does not know', async () => {
    writeFileSync(journalOf(path), '{"type":"begin"}\n');
    const folder = new SiteFolder(path);
    expect(() => folder.entries()).toThrow(FleetJournalError);
    expect(() => folder.entries()).toThrow(/journal\.jsonl: line 1: /);
    await expect(folder.take('site.yaml', 'drain h1')).rejects.toThrow(FleetJournalError);
    expect(await folder.isBusy()).toBe(false);
  });

  it('hands each wish to one process, once', async () => {
    const folder = new SiteFolder(path);
    folder.wish({ wants: 'pause', user: 'me' });
    {
      await using taken = await folder.take('site.yaml', 'drain h1');
      expect(taken.newWishes()).toEqual([{ wants: 'pause', user: 'me' }]);
      expect(taken.newWishes()).toEqual([]);
      new SiteFolder(path).wish({ wants: 'cancel', user: 'you' });
    }
    await using again = await folder.take('site.yaml', 'drain h1');
    expect(again.newWishes()).toEqual([{ wants: 'cancel', user: 'you' }]);
  });
});

it('a signal to a process takes no wish away from the next one', async () => {
  const folder = new SiteFolder(path);
  {
    await using taken = await folder.take('site.yaml', 'drain h1');
    taken.append({ type: 'wish', wish: { wants: 'cancel', user: 'Ctrl-C' }, isSignal: true });
  }
  folder.wish({ wants: 'settle', user: 'me', vm: 'web', as: 'source' });
  await using again = await folder.take('site.yaml', 'drain h1');
  expect(again.newWishes()).toEqual([{ wants: 'settle', user: 'me', vm: 'web', as: 'source' }]);
});

it('a wish that was not written to its end spoils no other', async () => {
  const folder = new SiteFolder(path);
  await using taken = await folder.take('site.yaml', 'drain h1');
  appendFileSync(join(path, 'wishes.jsonl'), '{"wants":"pau');
  expect(taken.newWishes()).toEqual([]);
  folder.wish({ wants: 'cancel', user: 'me' });
  expect(taken.newWishes()).toEqual([{ wants: 'cancel', user: 'me' }]);
  expect(taken.newWishes()).toEqual([]);
});

it('a full disk has room for the end of a move, and no half line is left when that is used up', async (context) => {
  const full = smallFileSystem(context, 256);
  const folder = new SiteFolder(full);
  await using taken = await folder.take('site.yaml', 'drain h1');
  expect(taken.isFull).toBe(false);
  expect(() => writeFileSync(join(full, 'other'), Buffer.alloc(2 ** 20))).toThrow(/ENOSPC/);
  expect(taken.isFull).toBe(true);
  const host = 'h'.repeat(3000);
  let written = 0;
  const writeAll = () => {
    for (; written < 1000; written += 1) taken.append({ type: 'cordon', host });
  };
  expect(writeAll).toThrow(FleetWriteError);
  // As much as was set aside, or nearly.
  expect(written).toBeGreaterThan(15);
  const text = readFileSync(journalOf(full), 'utf8');
  expect(text.endsWith('\n')).toBe(true);
  expect(folder.entries().filter(({ type }) => type === 'cordon')).toHaveLength(written);
});
