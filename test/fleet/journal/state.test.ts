// What entries of a journal add up to, where that is not obvious.
import { expect, it } from 'vitest';
import type { EntryOf, FleetEntry } from '../../../lib/fleet/journal/entries.js';
import { stateOf } from '../../../lib/fleet/journal/state.js';

const atMs = 0;
const attempt = 'web-abcdef-1';
const never = { low: 0, expected: 0, high: Number.POSITIVE_INFINITY };
const begun: EntryOf<'attempt'> = {
  type: 'attempt',
  atMs,
  attempt,
  move: {
    vm: 'web',
    from: 'h1',
    to: 'h2',
    method: { name: 'pre-copy', policy: [] },
    reasons: [],
    predicted: { timeMs: never, bytes: never, downtimeMs: never },
  },
  source: { driver: 'qmp', host: 'h1', qmp: '/first' },
  destination: { driver: 'qmp', host: 'h2', qmp: '/second', folder: '/folder' },
  listen: 'tcp:10.0.0.2:49152',
};

function decisionsAfter(...entries: FleetEntry[]) {
  return stateOf([begun, ...entries]).open?.decisions;
}

it('a migration that QEMU refused to begin was not told: one that runs is of somebody else', () => {
  const act: FleetEntry = { type: 'act', atMs, attempt, action: 'migrate' };
  const failed = { type: 'failed-act', atMs, attempt, action: 'migrate', reason: '' } as const;
  expect(decisionsAfter(act)?.toldToMigrate).toBe(true);
  // Its answer may have been lost.
  expect(decisionsAfter(act, failed)?.toldToMigrate).toBe(true);
  expect(decisionsAfter(act, { ...failed, isRefused: true })?.toldToMigrate).toBe(false);
});

it('what a person settled counts until what is seen contradicts it', () => {
  const wish = { wants: 'settle', user: 'me', vm: 'web', as: 'destination' } as const;
  const settled: FleetEntry = { type: 'wish', atMs, wish };
  const asked: FleetEntry = { type: 'asked', atMs, attempt, reason: 'The guest runs elsewhere.' };
  expect(decisionsAfter(settled)?.settled).toBe('destination');
  expect(decisionsAfter(settled, asked)?.settled).toBeUndefined();
  expect(decisionsAfter(settled, asked, settled)?.settled).toBe('destination');
});

it('what ends a pause does not count as a look at the first moves', () => {
  const options = { stopAfterFailures: 1, windows: [], canary: 1 };
  const drain: FleetEntry = { type: 'drain', atMs, host: 'h1', options };
  const wish = (wants: 'pause' | 'resume'): FleetEntry => ({
    ...{ type: 'wish', atMs },
    wish: { wants, user: 'me' },
  });
  const after = (...entries: FleetEntry[]) => stateOf([drain, ...entries]).drain;
  expect(after(wish('pause'), wish('resume'))).toMatchObject({
    isPaused: false,
    wasResumed: false,
  });
  expect(after(wish('resume'))?.wasResumed).toBe(true);
  expect(after(wish('resume'), wish('pause'), wish('resume'))?.wasResumed).toBe(true);
});
