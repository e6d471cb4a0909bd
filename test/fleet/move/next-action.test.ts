// Every interleaving of a move with what can go wrong: a controller that is killed at any moment, commands that are lost,
// carried out without an answer or carried out late, a link that goes and comes, QEMUs that die. In none of them do two
// guests run, and none ends without one but after the death of what held it.
import { expect, it } from 'vitest';
import {
  type Action,
  type DestinationSighting,
  nextAction,
  type Outcome,
  type SourceSighting,
} from '../../../lib/fleet/move/next-action.js';

/** What really is at the source. */
type Source =
  | 'runs'
  | 'migrates'
  /** The guest stands still, and the rest of it is being sent. */
  | 'sends-rest'
  /** All is sent, and the source waits to hear that it has arrived. */
  | 'has-sent'
  | 'completed'
  | 'post-copy'
  | 'interrupted'
  | 'dead';

/** What really is at the destination. */
type Destination =
  | 'nothing'
  | 'listens'
  | 'receives'
  | 'held'
  | 'runs'
  | 'post-copy-held'
  | 'post-copy-runs'
  | 'interrupted-held'
  | 'interrupted';

/** What the controller is doing: it looks at the source, then at the destination, then acts. Everything else goes on meanwhile. */
type Phase =
  | { readonly is: 'idle' }
  | { readonly is: 'saw-source'; readonly source: SourceSighting }
  | {
      readonly is: 'saw-both';
      readonly source: SourceSighting;
      readonly destination: DestinationSighting;
    }
  /** A command is on its way; the controller may know of it or not. */
  | { readonly is: 'sent'; readonly command: Action['do'] }
  | { readonly is: 'finished'; readonly outcome: Outcome };

interface World {
  readonly source: Source;
  readonly destination: Destination;
  readonly linkUp: boolean;
  /** All of the guest has been sent, and is on its way or there. */
  readonly allSent: boolean;
  readonly wanted: 'move' | 'stay';
  readonly toldToMigrate: boolean;
  readonly toldToRun: boolean;
  readonly phase: Phase;
  /** How much may still go wrong. */
  readonly faultsLeft: number;
  /** A QEMU has died without which the guest can't go on. */
  readonly holderDied: boolean;
  /** The guest has run at the source since, or at the destination: what the other side has is too old. */
  readonly old: 'source' | 'destination' | 'neither';
  /** An old guest runs. */
  readonly wentBack: boolean;
  /** We have ended what the guest could have gone on from. */
  readonly harmed: boolean;
}

const idle: Phase = { is: 'idle' };

const beginning: World = {
  source: 'runs',
  destination: 'nothing',
  linkUp: true,
  allSent: false,
  wanted: 'move',
  toldToMigrate: false,
  toldToRun: false,
  phase: idle,
  faultsLeft: 3,
  holderDied: false,
  old: 'neither',
  wentBack: false,
  harmed: false,
};

const seenAtSource: Readonly<Record<Source, SourceSighting>> = {
  runs: 'not-started',
  migrates: 'ours',
  'sends-rest': 'ours',
  'has-sent': 'ours',
  completed: 'arrived',
  'post-copy': 'ours-in-post-copy',
  interrupted: 'interrupted',
  dead: 'gone',
};

const seenAtDestination: Readonly<Record<Destination, DestinationSighting>> = {
  nothing: 'not-started',
  listens: 'waiting',
  receives: 'ours',
  held: 'arrived-held',
  runs: 'arrived',
  'post-copy-held': 'ours-held-in-post-copy',
  'post-copy-runs': 'ours-in-post-copy',
  'interrupted-held': 'interrupted',
  interrupted: 'interrupted',
};

const runsAtSource = ({ source }: World) => source === 'runs' || source === 'migrates';
const runsAtDestination = ({ destination }: World) =>
  ['runs', 'post-copy-runs', 'interrupted'].includes(destination);

/** Once the destination has the whole guest, the source is not needed any more. */
const sourceHolds = ({ source, destination }: World) =>
  source !== 'completed' && !(source === 'has-sent' && destination === 'held');
const destinationHolds = ({ source, destination }: World) =>
  !['listens', 'receives', 'nothing'].includes(destination) &&
  ['completed', 'dead', 'post-copy', 'interrupted'].includes(source);

function runningAgain(world: World): World {
  const wentBack = world.wentBack || world.old === 'source';
  return { ...world, source: 'runs', old: 'destination', wentBack };
}

/** What a command does when it is carried out, whenever that is. */
function carriedOut(world: World, command: Action['do']): World {
  const { source, destination, linkUp } = world;
  switch (command) {
    case 'prepare':
      return destination === 'nothing' ? { ...world, destination: 'listens' } : world;
    case 'migrate':
      return source === 'runs' && destination === 'listens' && linkUp
        ? { ...world, source: 'migrates', destination: 'receives' }
        : world;
    case 'cancel':
      return ['migrates', 'sends-rest', 'has-sent'].includes(source) ? runningAgain(world) : world;
    case 'recover':
      if (source !== 'interrupted' || !linkUp) return world;
      if (destination === 'interrupted') {
        return { ...world, source: 'post-copy', destination: 'post-copy-runs' };
      }
      return destination === 'interrupted-held'
        ? { ...world, source: 'post-copy', destination: 'post-copy-held' }
        : world;
    case 'run-there':
      if (destination === 'held') {
        const wentBack = world.wentBack || world.old === 'destination';
        return { ...world, destination: 'runs', wentBack, old: 'source' };
      }
      return destination === 'post-copy-held'
        ? { ...world, destination: 'post-copy-runs', old: 'source' }
        : world;
    case 'run-here':
      return source === 'completed' ? runningAgain(world) : world;
    case 'end-source': {
      const harmed = source !== 'dead' && destination !== 'runs' && world.old !== 'source';
      return { ...world, source: 'dead', harmed: world.harmed || harmed };
    }
    case 'end-destination': {
      const gone = ['dead', 'completed', 'post-copy', 'interrupted'].includes(source);
      const whole = world.allSent && ['receives', 'held', 'runs'].includes(destination);
      const useful = world.old !== 'destination' && (whole || destination.startsWith('post-copy'));
      return { ...world, destination: 'nothing', harmed: world.harmed || (gone && useful) };
    }
    default:
      throw new Error(`${command} is no command`);
  }
}

/** What QEMUs do by themselves. */
function* goingOn(world: World): Generator<World> {
  const { source, destination, linkUp, allSent } = world;
  if (source === 'migrates' && destination === 'receives' && linkUp) {
    yield { ...world, source: 'sends-rest' };
    yield { ...world, source: 'post-copy', destination: 'post-copy-held' };
  }
  if (source === 'sends-rest' && linkUp) yield { ...world, source: 'has-sent', allSent: true };
  if (destination === 'receives' && allSent) yield { ...world, destination: 'held' };
  if (source === 'has-sent' && ['held', 'runs'].includes(destination) && linkUp) {
    yield { ...world, source: 'completed' };
  }
  if (source === 'post-copy' && destination === 'post-copy-runs' && linkUp) {
    yield { ...world, source: 'completed', destination: 'runs' };
  }
  yield* noticing(world);
}

/** What they do when they notice that the link, or the other side, is gone. */
function* noticing(world: World): Generator<World> {
  const { source, destination, linkUp } = world;
  const parted = !linkUp || /nothing|listens|interrupted/.test(destination);
  if (['migrates', 'sends-rest', 'has-sent'].includes(source) && parted) {
    yield runningAgain(world);
  }
  const sends = ['migrates', 'sends-rest', 'has-sent'].includes(source);
  if (destination === 'receives' && (!sends || !linkUp)) yield { ...world, destination: 'nothing' };
  if (source === 'post-copy' && parted) yield { ...world, source: 'interrupted' };
  if (source === 'post-copy' && linkUp) return;
  if (destination === 'post-copy-held') yield { ...world, destination: 'interrupted-held' };
  if (destination === 'post-copy-runs') yield { ...world, destination: 'interrupted' };
}

function* goingWrong(world: World): Generator<World> {
  const { source, destination, linkUp, faultsLeft, phase } = world;
  if (!linkUp) yield { ...world, linkUp: true };
  if (faultsLeft === 0) return;
  const after = { ...world, faultsLeft: faultsLeft - 1 };
  if (linkUp) yield { ...after, linkUp: false };
  // QEMU gives post-copy up at its very end: its guest stands still, and can't be fetched from there any more.
  if (source === 'post-copy') yield { ...after, source: 'completed', holderDied: true };
  if (source !== 'dead') {
    const holderDied = world.holderDied || sourceHolds(world);
    yield { ...after, source: 'dead', holderDied };
  }
  if (destination !== 'nothing') {
    const holderDied = world.holderDied || destinationHolds(world);
    yield { ...after, destination: 'nothing', holderDied };
  }
  // The controller is killed. What it has sent is on its way all the same.
  if (phase.is === 'saw-source' || phase.is === 'saw-both') yield { ...after, phase: idle };
}

/** What the controller does next; with faults left, it may also not get an answer. */
function* controlled(world: World, decide: Decide): Generator<World> {
  const { phase, source, destination, faultsLeft } = world;
  const mayFail = faultsLeft > 0;
  switch (phase.is) {
    case 'idle': {
      const sightings = [seenAtSource[source], ...(mayFail ? (['unknown'] as const) : [])];
      for (const seen of sightings) {
        yield { ...world, phase: { is: 'saw-source', source: seen } };
      }
      return;
    }
    case 'saw-source': {
      const sightings = [
        seenAtDestination[destination],
        ...(mayFail ? (['unknown'] as const) : []),
      ];
      for (const seen of sightings) {
        yield { ...world, phase: { ...phase, is: 'saw-both', destination: seen } };
      }
      return;
    }
    case 'saw-both':
      yield acted(world, decide(phase, world));
      return;
    case 'sent':
      // It is carried out, late or not, or never: in each case before the next look, which begins with a new connection.
      yield { ...carriedOut(world, phase.command), phase: idle };
      if (mayFail) yield { ...world, phase: idle, faultsLeft: faultsLeft - 1 };
      return;
    case 'finished':
      return;
  }
}

/** The controller keeps what it decides, then acts. */
function acted(world: World, action: Action): World {
  if (action.do === 'wait' || action.do === 'ask') return { ...world, phase: idle };
  if (action.do === 'finish') {
    return { ...world, phase: { is: 'finished', outcome: action.outcome } };
  }
  return {
    ...world,
    toldToMigrate: world.toldToMigrate || action.do === 'migrate',
    toldToRun: world.toldToRun || action.do === 'run-there',
    phase: { is: 'sent', command: action.do },
  };
}

function* intended(world: World): Generator<World> {
  if (world.wanted === 'move') yield { ...world, wanted: 'stay' };
}

function* nextWorlds(world: World, decide: Decide): Generator<World> {
  yield* goingOn(world);
  yield* controlled(world, decide);
  yield* goingWrong(world);
  yield* intended(world);
}

function keyOf(world: World): string {
  return JSON.stringify(world);
}

type Decide = typeof nextAction;

/** All worlds that can come to be. */
function reachable(decide: Decide): World[] {
  const found = new Map([[keyOf(beginning), beginning]]);
  for (const world of found.values()) {
    for (const next of nextWorlds(world, decide)) {
      const key = keyOf(next);
      if (!found.has(key)) found.set(key, next);
    }
  }
  return [...found.values()];
}

function isRight(world: World): boolean {
  const { phase, source, destination, holderDied, harmed, wentBack } = world;
  const [here, there] = [runsAtSource(world), runsAtDestination(world)];
  if (harmed || wentBack || (here && there)) return false;
  if (phase.is !== 'finished') return true;
  switch (phase.outcome) {
    case 'moved':
      return source === 'dead' && (there || holderDied);
    case 'stayed':
      return destination === 'nothing' && (here || holderDied);
    case 'lost':
      return holderDied && !here && !there;
  }
}

/** Lets everything that happens by itself happen, and the controller look, until nothing changes any more. */
function settled(from: World): World {
  let world: World = { ...from, faultsLeft: 0, linkUp: true };
  for (let steps = 0; steps < 200; steps += 1) {
    const [next] = [...goingOn(world), ...controlled(world, nextAction)];
    if (!next) return world;
    world = next;
  }
  return world;
}

const worlds = reachable(nextAction);

it('never has two guests running, and no end without one but after the death of what held it', () => {
  expect(worlds.length).toBeGreaterThan(5000);
  expect(worlds.filter((world) => !isRight(world)).slice(0, 3)).toEqual([]);
});

it('comes to an end once nothing goes wrong any more', () => {
  // Or to where a person has to say which guest is the right one.
  const isOver = ({ phase, source, destination }: World) =>
    phase.is === 'finished' ||
    (source === 'dead' && destination === 'held') ||
    (source === 'completed' && destination.startsWith('interrupted'));
  expect(worlds.filter((world) => !isOver(settled(world))).slice(0, 3)).toEqual([]);
});

it('ends as it was wanted where nothing goes wrong', () => {
  const move = settled(beginning);
  expect(move.phase).toEqual({ is: 'finished', outcome: 'moved' });
  const stay = settled({ ...beginning, wanted: 'stay' });
  expect(stay.phase).toEqual({ is: 'finished', outcome: 'stayed' });
});

const sources = [
  ...new Set([...Object.values(seenAtSource), 'somebody-elses', 'unknown'] as const),
];
const destinations = [
  ...new Set([...Object.values(seenAtDestination), 'somebody-elses', 'unknown'] as const),
];

it.each(['source', 'destination', 'lost'] as const)(
  'a person who says "%s" overrules nobody whose guest is seen to run',
  (settled) => {
    const decisions = { wanted: 'move', toldToMigrate: true, toldToRun: false, settled } as const;
    for (const source of sources) {
      for (const destination of destinations) {
        const { do: action } = nextAction({ source, destination }, decisions);
        const runsHere = source === 'not-started' || source === 'ours';
        const runsThere = destination === 'arrived' || destination === 'ours-in-post-copy';
        if (runsHere) expect(action).not.toBe('run-there');
        if (runsThere) expect(['run-here', 'end-destination']).not.toContain(action);
        if (!runsThere) expect(action).not.toBe('end-source');
      }
    }
  },
);

it('a person decides where nobody else can', () => {
  const decisions = { wanted: 'move', toldToMigrate: true, toldToRun: false } as const;
  const seen = { source: 'gone', destination: 'arrived-held' } as const;
  expect(nextAction(seen, decisions).do).toBe('ask');
  expect(nextAction(seen, { ...decisions, settled: 'destination' }).do).toBe('run-there');
  expect(nextAction(seen, { ...decisions, settled: 'lost' }).do).toBe('end-destination');
  // The source has ended: what has arrived is all that there is.
  expect(nextAction(seen, { ...decisions, settled: 'source' }).do).toBe('ask');
});

it('a person who says "destination" moves no VM to where its guest is not', () => {
  const decisions = { wanted: 'move', toldToMigrate: true, toldToRun: true } as const;
  const settled = { ...decisions, settled: 'destination' } as const;
  const hasAll = ['arrived', 'unknown', 'somebody-elses'];
  for (const source of sources) {
    for (const destination of destinations) {
      const action = nextAction({ source, destination }, settled);
      if (action.do !== 'finish' || action.outcome !== 'moved') continue;
      expect(hasAll, `${source} ${destination}`).toContain(destination);
    }
  }
  const seen = { source: 'ours-in-post-copy', destination: 'ours-held-in-post-copy' } as const;
  expect(nextAction(seen, settled)).toEqual({ do: 'run-there' });
});

it('a person who says "source" has it stay there only when nothing takes it away any more', () => {
  const settled = {
    wanted: 'move',
    toldToMigrate: true,
    toldToRun: false,
    settled: 'source',
  } as const;
  for (const destination of destinations) {
    expect(nextAction({ source: 'ours', destination }, settled)).toEqual({ do: 'cancel' });
    expect(nextAction({ source: 'interrupted', destination }, settled).do).toBe('ask');
  }
});

it('leaves a VM that somebody else is migrating, without a trace', () => {
  const decisions = { wanted: 'move', toldToMigrate: false, toldToRun: false } as const;
  const source = 'somebody-elses';
  const stayed = { do: 'finish', outcome: 'stayed' };
  expect(nextAction({ source, destination: 'not-started' }, decisions)).toEqual(stayed);
  expect(nextAction({ source, destination: 'waiting' }, decisions).do).toBe('end-destination');
  expect(nextAction({ source, destination: 'ours' }, decisions).do).toBe('ask');
});

it.each<[string, Partial<Record<string, Action>>]>([
  [
    'starts what may run at a source that does not answer',
    { 'unknown arrived-held': { do: 'run-there' } },
  ],
  [
    'starts what arrived before the source knows that',
    { 'ours arrived-held': { do: 'run-there' } },
  ],
  ['starts what the source has kept', { 'not-started arrived-held': { do: 'run-there' } }],
  ['starts what may be old', { 'gone arrived-held': { do: 'run-there' } }],
  ['ends what may still arrive whole', { 'gone ours': { do: 'end-destination' } }],
  [
    'ends a source whose guest does not run elsewhere yet',
    { 'arrived arrived-held': { do: 'end-source' } },
  ],
  [
    'starts what post-copy has left behind at the source',
    { 'arrived interrupted': { do: 'run-here' } },
  ],
  [
    'takes a destination that does not answer for one that has gone',
    { 'arrived unknown': { do: 'run-here' } },
  ],
  [
    'ends a destination to which the source migrates',
    { 'ours-in-post-copy ours-in-post-copy': { do: 'end-destination' } },
  ],
])('would be noticed if it %s', (_, wrong) => {
  const decide: Decide = (seen, decisions) =>
    wrong[`${seen.source} ${seen.destination}`] ?? nextAction(seen, decisions);
  expect(reachable(decide).every(isRight)).toBe(false);
});
