// What each state of a domain means for a move, on both sides.
import { expect, it } from 'vitest';
import type { DomainAnswers, DomainJob } from '../../../../lib/fleet/drivers/libvirt/answers.js';
import {
  destinationSighting,
  sourceSighting,
} from '../../../../lib/fleet/drivers/libvirt/sightings.js';
import { nextAction, type Observation } from '../../../../lib/fleet/move/next-action.js';

const told = { toldToMigrate: true, mayBegin: false };
const notTold = { toldToMigrate: false, mayBegin: false };
const moving = { wanted: 'move', toldToMigrate: true } as const;

function answers(stateAndReason: string, job: DomainJob = 'none'): DomainAnswers {
  const [, state = '', reason = ''] = /^(.+) \((.+)\)$/.exec(stateAndReason) ?? [];
  return { state, reason, job, progress: undefined };
}

it.each([
  ['running (booted)', 'none', 'not-started'],
  ['running (migrated)', 'none', 'not-started'],
  ['running (booted)', 'outgoing', 'ours'],
  ['paused (migrating)', 'outgoing', 'ours'],
  ['running (migration canceled)', 'none', 'not-started'],
  ['paused (user)', 'none', 'not-started'],
  ['paused (post-copy)', 'outgoing', 'ours-in-post-copy'],
  ['paused (post-copy failed)', 'none', 'interrupted'],
  ['paused (post-copy failed)', 'outgoing', 'interrupted'],
  ['paused (migrating)', 'none', 'arrived'],
  ['shut off (migrated)', 'none', 'gone'],
  ['shut off (crashed)', 'none', 'gone'],
  ['shut off (destroyed)', 'none', 'gone'],
  ['crashed (panicked)', 'none', 'somebody-elses'],
  ['running (booted)', 'other', 'not-started'],
  ['in shutdown (user)', 'none', 'unknown'],
  ['teleporting (unknown)', 'none', 'unknown'],
] as const)(
  'a source that was told to migrate, and is %s with job %s, is %s',
  (state, job, seen) => {
    expect(sourceSighting(answers(state, job), told)).toBe(seen);
  },
);

it('what nobody was told to migrate is left to whoever does', () => {
  for (const [state, job] of [
    ['running (booted)', 'outgoing'],
    ['paused (migrating)', 'outgoing'],
    ['paused (migrating)', 'none'],
    ['paused (post-copy)', 'outgoing'],
    ['paused (post-copy failed)', 'none'],
  ] as const) {
    expect(sourceSighting(answers(state, job), notTold)).toBe('somebody-elses');
  }
});

it('a source whose migration may still begin is not at rest', () => {
  const mayBegin = { toldToMigrate: true, mayBegin: true };
  expect(sourceSighting(answers('running (booted)'), mayBegin)).toBe('ours');
  expect(sourceSighting('absent', mayBegin)).toBe('gone');
});

it.each([
  ['paused (starting up)', 'incoming', 'ours'],
  ['paused (migrating)', 'incoming', 'ours'],
  ['paused (migrating)', 'none', 'ours'],
  ['running (migrated)', 'incoming', 'ours'],
  ['running (migrated)', 'none', 'arrived'],
  ['running (unpaused)', 'none', 'arrived'],
  ['paused (user)', 'none', 'arrived'],
  ['paused (I/O error)', 'none', 'arrived'],
  ['running (migrated)', 'outgoing', 'arrived'],
  ['running (post-copy)', 'incoming', 'ours-in-post-copy'],
  ['paused (post-copy)', 'incoming', 'ours-in-post-copy'],
  ['running (post-copy failed)', 'none', 'interrupted'],
  ['paused (post-copy failed)', 'none', 'interrupted'],
  ['running (booted)', 'none', 'somebody-elses'],
  ['crashed (panicked)', 'none', 'somebody-elses'],
  ['shut off (destroyed)', 'none', 'not-started'],
  ['in shutdown (user)', 'none', 'unknown'],
] as const)('a destination that is %s with job %s is %s', (state, job, seen) => {
  expect(destinationSighting(answers(state, job), moving, 'ours')).toBe(seen);
});

it('a destination is ready where nothing is, as long as nothing was told and the move is wanted', () => {
  const wanted = { wanted: 'move', toldToMigrate: false } as const;
  for (const nothing of ['absent', answers('shut off (shutdown)')] as const) {
    expect(destinationSighting(nothing, wanted, 'not-started')).toBe('waiting');
    expect(destinationSighting(nothing, wanted, 'gone')).toBe('not-started');
    expect(destinationSighting(nothing, moving, 'not-started')).toBe('not-started');
    const unwanted = { wanted: 'stay', toldToMigrate: false } as const;
    expect(destinationSighting(nothing, unwanted, 'not-started')).toBe('not-started');
  }
});

it("a domain that is there before anything was told is somebody else's", () => {
  const wanted = { wanted: 'move', toldToMigrate: false } as const;
  for (const state of ['running (booted)', 'running (migrated)', 'paused (migrating)']) {
    expect(destinationSighting(answers(state), wanted, 'not-started')).toBe('somebody-elses');
  }
});

it('nobody is taken for gone or absent who does not answer', () => {
  expect(sourceSighting('unknown', told)).toBe('unknown');
  expect(destinationSighting('unknown', moving, 'not-started')).toBe('unknown');
});

/** Every state with every reason that libvirt 9.0 knows, with every job. */
const states = {
  running: [
    ...['unknown', 'booted', 'migrated', 'restored', 'from snapshot', 'unpaused'],
    ...['migration canceled', 'save canceled', 'event wakeup', 'crashed', 'post-copy'],
    'post-copy failed',
  ],
  paused: [
    ...['unknown', 'user', 'migrating', 'saving', 'dumping', 'I/O error', 'watchdog'],
    ...['from snapshot', 'shutting down', 'creating snapshot', 'crashed', 'starting up'],
    ...['post-copy', 'post-copy failed', 'API error'],
  ],
  'in shutdown': ['unknown', 'user'],
  'shut off': ['unknown', 'shutdown', 'destroyed', 'crashed', 'migrated', 'saved', 'failed'],
  crashed: ['unknown', 'panicked'],
  pmsuspended: ['unknown'],
} as const;
const jobs = ['none', 'outgoing', 'incoming', 'other'] as const;

function* everything(): Generator<DomainAnswers | 'absent' | 'unknown'> {
  yield 'absent';
  yield 'unknown';
  for (const [state, reasons] of Object.entries(states)) {
    for (const reason of reasons) {
      for (const job of jobs) yield { state, reason, job, progress: undefined };
    }
  }
}

/** Whether a guest may run there, now or by itself later. */
function mayRun(one: DomainAnswers | 'absent' | 'unknown'): boolean {
  return one === 'unknown' || (typeof one === 'object' && one.state !== 'shut off');
}

it('whatever both sides say, nothing starts a guest beside one that may run, or ends one that is alone', () => {
  const harmed: unknown[] = [];
  for (const here of everything()) {
    for (const there of everything()) {
      for (const toldToMigrate of [true, false]) {
        for (const wanted of ['move', 'stay'] as const) {
          const decisions = { wanted, toldToMigrate, toldToRun: false };
          const source = sourceSighting(here, { toldToMigrate, mayBegin: false });
          const destination = destinationSighting(there, decisions, source);
          const seen: Observation = { source, destination };
          const action = nextAction(seen, decisions).do;
          // Nobody resumes a side by hand while the other may run; nobody ends a side whose other is not there.
          const isHarmful =
            (action === 'run-here' && mayRun(there)) ||
            (action === 'run-there' && mayRun(here)) ||
            (action === 'end-source' && !mayRun(there)) ||
            (action === 'end-destination' && source !== 'gone' && !mayRun(here)) ||
            (action === 'migrate' && (mayRun(there) || !mayRun(here)));
          if (isHarmful) harmed.push({ here, there, decisions, seen, action });
        }
      }
    }
  }
  expect(harmed).toEqual([]);
});
