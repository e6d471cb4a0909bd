import { getEventListeners } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { within } from '../../lib/system/deadline.js';

const never = new Promise<never>(() => {});
const late = () => 'late' as const;

function timersRunning(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
}

it('returns what the work resolves to', async () => {
  expect(await within(60_000, Promise.resolve(1), late)).toBe(1);
});

it('rejects as the work does', async () => {
  await expect(within(60_000, Promise.reject(new Error('broken')), late)).rejects.toThrow('broken');
});

it('returns what `late` returns when the time has passed', async () => {
  expect(await within(1, never, late)).toBe('late');
});

it('rejects with what `late` throws', async () => {
  const waiting = within(1, never, () => {
    throw new Error('too late');
  });
  await expect(waiting).rejects.toThrow('too late');
});

it('rejects with the reason of an aborted signal, before and while it waits', async () => {
  const reason = new Error('given up');
  await expect(within(60_000, never, late, AbortSignal.abort(reason))).rejects.toBe(reason);
  const controller = new AbortController();
  const waiting = within(60_000, never, late, controller.signal);
  controller.abort(reason);
  await expect(waiting).rejects.toBe(reason);
});

it('waits for work no more that fails after its signal was aborted: that is no unhandled rejection', async () => {
  const reason = new Error('given up');
  const work = pause(5).then(() => Promise.reject(new Error('broken')));
  await expect(within(60_000, work, late, AbortSignal.abort(reason))).rejects.toBe(reason);
  await pause(20);
});

it('waits without a limit when the limit is more than a timer can wait', async () => {
  const work = new Promise((resolve) => setTimeout(() => resolve('done'), 20));
  expect(await within(Number.POSITIVE_INFINITY, work, late)).toBe('done');
});

it('leaves neither a timer nor a listener behind', async () => {
  const before = timersRunning();
  const { signal } = new AbortController();
  await within(60_000, Promise.resolve(1), late, signal);
  expect(timersRunning()).toBe(before);
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});
