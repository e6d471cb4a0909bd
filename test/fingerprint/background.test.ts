import { describe, expect, it } from 'vitest';
import {
  FingerprintTable,
  fingerprintPages,
  fingerprintPagesAsync,
  OptionError,
  type Progress,
} from '../../lib/index.js';
import { randomBytes } from './reference.js';

const manyPages = randomBytes(96 * 1024 * 1024);
const slow = { algorithm: 'sha256' } as const;

describe('work in the background', () => {
  it('reports progress up to the end', async () => {
    const seen: Progress[] = [];
    await fingerprintPagesAsync(manyPages, { onProgress: (progress) => seen.push(progress) });
    const totalPages = manyPages.length / 4096;
    expect(seen.length).toBeGreaterThan(5);
    expect(seen.at(-1)).toEqual({ donePages: totalPages, totalPages });
    const done = seen.map(({ donePages }) => donePages);
    expect(done).toEqual([...done].sort((a, b) => a - b));
  });

  it('keeps the event loop free', async () => {
    let turns = 0;
    let turn = setImmediate(function next() {
      turns += 1;
      turn = setImmediate(next);
    });
    let [turnsBefore, mostTurns] = [0, 0];
    const onProgress = () => {
      mostTurns = Math.max(mostTurns, turns - turnsBefore);
      turnsBefore = turns;
    };
    await fingerprintPagesAsync(manyPages, { ...slow, threads: 1, onProgress });
    clearImmediate(turn);
    // Work that is done in the loop lets it turn once between two reports, if at all.
    expect(mostTurns).toBeGreaterThan(10);
  });

  it('gives the same with any number of threads', async () => {
    const some = manyPages.subarray(0, 32 * 1024 * 1024);
    const expected = fingerprintPages(some, { algorithm: 'md5' });
    for (const threads of [1, 2, 7]) {
      expect(await fingerprintPagesAsync(some, { algorithm: 'md5', threads })).toEqual(expected);
    }
  });

  it('stops when it is told to, with the reason', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    let reports = 0;
    const onProgress = () => {
      reports += 1;
      controller.abort(reason);
    };
    const running = fingerprintPagesAsync(manyPages, {
      ...slow,
      threads: 1,
      signal: controller.signal,
      onProgress,
    });
    await expect(running).rejects.toBe(reason);
    expect(reports).toBe(1);
  });

  it('does not begin when it was told before', async () => {
    const signal = AbortSignal.abort();
    await expect(fingerprintPagesAsync(manyPages, { signal })).rejects.toMatchObject({
      name: 'AbortError',
    });
    using table = new FingerprintTable({ pages: 1 });
    const page = manyPages.subarray(0, 4096);
    await expect(table.checkAndCommitAsync(page, { where: 0, signal })).rejects.toMatchObject({
      name: 'AbortError',
    });
    expect(table.check(page).counts.first).toBe(1);
  });

  it('ends with what the progress callback throws', async () => {
    const error = new Error('from the callback');
    const onProgress = () => {
      throw error;
    };
    await expect(fingerprintPagesAsync(manyPages, { onProgress })).rejects.toBe(error);
  });

  it('refuses wrong options', async () => {
    const wrong = [{ threads: 0 }, { threads: 1.5 }, { signal: 5 }, { onProgress: 'loud' }];
    for (const options of wrong) {
      // biome-ignore lint/suspicious/noExplicitAny: wrong types are the point
      const running = fingerprintPagesAsync(manyPages, options as any);
      await expect(running).rejects.toThrow(OptionError);
    }
  });
});

describe('memory that is taken away meanwhile', () => {
  const detached = /its buffer was detached or resized while it was read$/;

  /** Takes the memory away when a part of it has been read, however long that took: others are being read then. */
  function once(take: () => void): () => void {
    let isTaken = false;
    return () => {
      if (!isTaken) take();
      isTaken = true;
    };
  }

  it('by a transfer is an error, not a crash', async () => {
    const bytes = new Uint8Array(manyPages);
    const onProgress = once(() => structuredClone(bytes.buffer, { transfer: [bytes.buffer] }));
    const running = fingerprintPagesAsync(bytes, { ...slow, threads: 2, onProgress });
    await expect(running).rejects.toThrow(detached);
  });

  it('by a resize is an error, not a crash', async () => {
    const Resizable = ArrayBuffer as unknown as new (
      bytes: number,
      options: { maxByteLength: number },
    ) => ArrayBuffer & { resize(bytes: number): void };
    const buffer = new Resizable(manyPages.length, { maxByteLength: manyPages.length });
    const onProgress = once(() => buffer.resize(4096));
    const running = fingerprintPagesAsync(buffer, { ...slow, threads: 2, onProgress });
    await expect(running).rejects.toThrow(detached);
  });

  it('from a table is an error, and the table goes on', async () => {
    using table = new FingerprintTable({ pages: manyPages.length / 4096, ...slow });
    const bytes = new Uint8Array(manyPages);
    const onProgress = once(() => structuredClone(bytes.buffer, { transfer: [bytes.buffer] }));
    const running = table.checkAndCommitAsync(bytes, { onProgress });
    await expect(running).rejects.toThrow(detached);
    expect(table.check(manyPages).counts.unchanged).toBeGreaterThan(0);
  });
});
