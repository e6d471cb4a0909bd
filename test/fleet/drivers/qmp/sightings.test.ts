// What each status of a migration means for a move, on both sides.
import { expect, it } from 'vitest';
import {
  destinationSighting,
  sourceSighting,
} from '../../../../lib/fleet/drivers/qmp/sightings.js';

const told = { toldToMigrate: true };
const notTold = { toldToMigrate: false };

it.each([
  ['failed', 'arrived'],
  ['cancelled', 'arrived'],
  ['setup', 'ours'],
  ['active', 'ours'],
  ['pre-switchover', 'ours'],
  ['device', 'ours'],
  ['cancelling', 'ours'],
  ['postcopy-active', 'ours-in-post-copy'],
  ['postcopy-paused', 'interrupted'],
  ['completed', 'arrived'],
] as const)('a source that was told to migrate, and says "%s", is %s', (migration, sighting) => {
  const state = 'postmigrate';
  expect(sourceSighting({ migration, state, running: false }, told)).toBe(sighting);
});

it.each(['none', 'failed', 'cancelled'])(
  'a source that was told to migrate has its guest where that is over (%s), unless it had stopped for good',
  (migration) => {
    for (const state of ['running', 'paused', 'finish-migrate']) {
      const answers = { migration, state, running: state === 'running' };
      expect(sourceSighting(answers, told)).toBe('not-started');
    }
    const stopped = { migration, state: 'postmigrate', running: false };
    expect(sourceSighting(stopped, notTold)).toBe('not-started');
  },
);

it("a migration that nobody was told to make is somebody else's, also when it is over", () => {
  for (const migration of ['setup', 'active', 'device', 'postcopy-active', 'completed']) {
    const answers = { migration, state: 'postmigrate', running: false };
    expect(sourceSighting(answers, notTold)).toBe('somebody-elses');
  }
  const failed = { migration: 'failed', state: 'running', running: true };
  expect(sourceSighting(failed, notTold)).toBe('not-started');
});

it('a guest that asked for a reset as it left has left', () => {
  const answers = { migration: 'completed', state: 'prelaunch', running: false };
  expect(sourceSighting(answers, told)).toBe('arrived');
  expect(sourceSighting(answers, notTold)).toBe('not-started');
});

it.each([told, notTold])('a guest that came here by a migration is at rest: %o', (decisions) => {
  const answers = { migration: 'completed', state: 'running', running: true };
  expect(sourceSighting(answers, decisions)).toBe('not-started');
  const paused = { migration: 'completed', state: 'paused', running: false };
  expect(sourceSighting(paused, decisions)).toBe('not-started');
});

it.each([
  ['none', false, 'waiting'],
  ['setup', false, 'waiting'],
  ['active', false, 'ours'],
  ['failed', false, 'ours'],
  ['postcopy-active', false, 'ours-held-in-post-copy'],
  ['postcopy-active', true, 'ours-in-post-copy'],
  ['postcopy-paused', true, 'interrupted'],
  ['completed', false, 'arrived-held'],
  ['completed', true, 'arrived'],
] as const)('a destination that says "%s", running %s, is %s', (migration, running, sighting) => {
  expect(destinationSighting({ migration, state: 'any', running }, 'ours')).toBe(sighting);
});

it('a guest that had switched itself off has arrived once the source has nothing of it any more', () => {
  const answers = { migration: 'completed', state: 'shutdown', running: false };
  expect(destinationSighting(answers, 'arrived')).toBe('arrived');
  expect(destinationSighting(answers, 'gone')).toBe('arrived');
  expect(destinationSighting(answers, 'not-started')).toBe('arrived-held');
  expect(destinationSighting(answers, 'unknown')).toBe('arrived-held');
  expect(destinationSighting({ ...answers, state: 'paused' }, 'arrived')).toBe('arrived-held');
});

it('nobody takes a status that is not known for one that is', () => {
  const answers = { migration: 'teleporting', state: 'running', running: true };
  expect([sourceSighting(answers, told), destinationSighting(answers, 'ours')]).toEqual([
    'unknown',
    'unknown',
  ]);
});

it('a process that has ended is gone at the source, and nothing at the destination', () => {
  expect([sourceSighting('gone', told), destinationSighting('gone', 'ours')]).toEqual([
    'gone',
    'not-started',
  ]);
  expect([sourceSighting('unknown', told), destinationSighting('unknown', 'ours')]).toEqual([
    'unknown',
    'unknown',
  ]);
});
