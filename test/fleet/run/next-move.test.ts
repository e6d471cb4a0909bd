// Which move of a drain begins next: pure, so that every reason to wait or to end is tested.
import { expect, it } from 'vitest';
import type { EntryOf } from '../../../lib/fleet/journal/entries.js';
import { stateOf } from '../../../lib/fleet/journal/state.js';
import { nextMove } from '../../../lib/fleet/run/next-move.js';
import { type Move, methodSchema } from '../../../lib/site/move.js';

const range = { low: 1000, expected: 60_000, high: 120_000 };
const move = (vm: string): Move => ({
  ...{ vm, from: 'h1', to: 'h2', reasons: [] },
  method: methodSchema.parse({ name: 'pre-copy' }),
  predicted: { timeMs: range, bytes: range, downtimeMs: range },
});
const noon = new Date(2026, 5, 1, 12).getTime();

interface Story {
  readonly options?: Partial<EntryOf<'drain'>['options']>;
  readonly ended?: readonly ('moved' | 'stayed' | 'lost')[];
  readonly wishes?: readonly ('pause' | 'resume' | 'cancel')[];
}

function next({ options = {}, ended = [], wishes = [] }: Story) {
  const place = { driver: 'qmp', host: 'h1', qmp: '/q' } as const;
  const moves = [move('a'), move('b'), move('c')];
  const state = stateOf([
    {
      ...{ type: 'drain', atMs: 0, host: 'h1' },
      options: { stopAfterFailures: 1, windows: [], ...options },
    },
    { type: 'plan', atMs: 0, digest: '', moves, left: [] },
    ...ended.flatMap((outcome, at): (EntryOf<'attempt'> | EntryOf<'ended'>)[] => [
      {
        ...{ type: 'attempt', atMs: 0, attempt: String(at), move: moves[at] ?? move('x') },
        ...{ source: place, destination: place, listen: 'tcp:h2:1' },
      },
      { type: 'ended', atMs: 0, attempt: String(at), outcome, reason: 'So it was.' },
    ]),
    ...wishes.map((wants) => ({ type: 'wish', atMs: 0, wish: { wants, user: 'me' } }) as const),
  ]);
  if (!state.drain) throw new Error('no drain');
  const found = nextMove(state.drain, noon);
  return found.do === 'move' ? found.move.vm : found.do === 'end' ? found.outcome : found.reason;
}

it.each<[string, Story, string | RegExp]>([
  ['begins with the first', {}, 'a'],
  ['goes on with the next', { ended: ['moved'] }, 'b'],
  ['ends when all have left', { ended: ['moved', 'moved', 'moved'] }, 'drained'],
  ['stops after a failure', { ended: ['stayed'] }, 'stopped'],
  ['takes a lost VM for a failure', { ended: ['lost'] }, 'stopped'],
  [
    'goes on after as many as may fail',
    { options: { stopAfterFailures: 2 }, ended: ['stayed'] },
    'b',
  ],
  [
    'has not drained a host on which a VM stayed',
    { options: { stopAfterFailures: 2 }, ended: ['moved', 'stayed', 'moved'] },
    'stopped',
  ],
  ['pauses', { wishes: ['pause'] }, /paused/],
  ['goes on after a pause', { wishes: ['pause', 'resume'] }, 'a'],
  ['is cancelled also while it pauses', { wishes: ['pause', 'cancel'] }, 'cancelled'],
  ['waits after the canary', { options: { canary: 1 }, ended: ['moved'] }, /1 moved first/],
  [
    'goes on after the canary when it is told to',
    { options: { canary: 1 }, ended: ['moved'], wishes: ['resume'] },
    'b',
  ],
  ['begins what ends in time', { options: { byMs: noon + 61_000 } }, 'a'],
  ['begins nothing that does not', { options: { byMs: noon + 59_000 } }, 'stopped'],
  [
    'waits for its window',
    { options: { windows: [{ fromMinute: 22 * 60, toMinute: 6 * 60 }] } },
    /begin at 22:00-06:00 only/,
  ],
  ['begins within it', { options: { windows: [{ fromMinute: 11 * 60, toMinute: 13 * 60 }] } }, 'a'],
])('%s', (_, story, expected) => {
  expect(next(story)).toEqual(
    expected instanceof RegExp ? expect.stringMatching(expected) : expected,
  );
});
