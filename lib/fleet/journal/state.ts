// What the entries of a journal add up to. Pure.
import type { Place } from '../../site/place.js';
import type { Decisions } from '../move/next-action.js';
import type { EntryOf, FleetEntry, Settlement, Wish } from './entries.js';

/** An attempt at a move that has not ended. */
export interface OpenAttempt {
  /** What was decided when it began. */
  readonly begin: EntryOf<'attempt'>;
  /** What was decided since. */
  readonly decisions: Decisions;
  /** Why it is to be given up, if it is. */
  readonly givenUp: string | undefined;
  /** What a person was asked, and has not settled. */
  readonly asked: string | undefined;
}

/** A drain that has not ended. */
export interface OpenDrain {
  /** What was wanted when it began. */
  readonly begin: EntryOf<'drain'>;
  /** What was planned; undefined if it was killed before that. */
  readonly plan: EntryOf<'plan'> | undefined;
  /** No move begins. */
  readonly isPaused: boolean;
  /** A person has had it go on. */
  readonly wasResumed: boolean;
  /** It ends, and the VM that is being moved stays. */
  readonly isCancelled: boolean;
  /** How its moves ended, oldest first; those that are made again are left out. */
  readonly ended: readonly EntryOf<'ended'>[];
}

/** What a site's journal says. */
export interface FleetState {
  /** A part of the names of all attempts. */
  readonly mark: string;
  /** Where VMs are that have been moved, by name. */
  readonly places: ReadonlyMap<string, Place>;
  /** VMs that were lost. */
  readonly lost: ReadonlySet<string>;
  /** Hosts that take nothing. */
  readonly cordoned: ReadonlySet<string>;
  /** How many attempts at moving a VM there were, by name. */
  readonly attempts: ReadonlyMap<string, number>;
  /** The attempt that is under way. */
  readonly open: OpenAttempt | undefined;
  /** The drain that is under way. */
  readonly drain: OpenDrain | undefined;
}

export const emptyState: FleetState = {
  mark: '',
  places: new Map(),
  lost: new Set(),
  cordoned: new Set(),
  attempts: new Map(),
  open: undefined,
  drain: undefined,
};

function afterAct({ decisions, ...attempt }: OpenAttempt, action: string): OpenAttempt {
  return {
    ...attempt,
    decisions: {
      ...decisions,
      toldToMigrate: decisions.toldToMigrate || action === 'migrate',
      toldToRun: decisions.toldToRun || action === 'run-there',
      ...(action === 'stop-guest' ? { toldToStop: true } : {}),
    },
  };
}

/** What QEMU refused was not told: a migration that runs is somebody else's. */
function afterRefusal({ decisions, ...attempt }: OpenAttempt, action: string): OpenAttempt {
  const toldToMigrate = decisions.toldToMigrate && action !== 'migrate';
  return { ...attempt, decisions: { ...decisions, toldToMigrate } };
}

function settled(attempt: OpenAttempt, as: Settlement): OpenAttempt {
  return { ...attempt, asked: undefined, decisions: { ...attempt.decisions, settled: as } };
}

/** A person has to look; what one has said before contradicted what was seen, and counts no more. */
function askedAgain(attempt: OpenAttempt, reason: string): OpenAttempt {
  const decisions = { ...attempt.decisions, settled: undefined };
  return { ...attempt, asked: reason, decisions };
}

/** An attempt has ended. */
function afterEnd(state: FleetState, entry: EntryOf<'ended'>, { begin }: OpenAttempt): FleetState {
  const { vm } = begin.move;
  const counts = entry.isInterrupted !== true;
  const drain = state.drain && {
    ...state.drain,
    ended: counts ? [...state.drain.ended, entry] : state.drain.ended,
  };
  const rest = { ...state, open: undefined, drain };
  if (entry.outcome === 'lost') return { ...rest, lost: new Set([...state.lost, vm]) };
  if (entry.outcome === 'stayed') return rest;
  return { ...rest, places: new Map([...state.places, [vm, begin.destination]]) };
}

/** The state after one more entry. */
export function afterEntry(state: FleetState, entry: FleetEntry): FleetState {
  const { open, drain } = state;
  switch (entry.type) {
    case 'begin':
      return { ...state, mark: entry.mark };
    case 'controller':
    case 'seen':
    case 'trouble':
      return state;
    case 'drain': {
      const cordoned = new Set([...state.cordoned, entry.host]);
      const begun = { begin: entry, plan: undefined, isPaused: false, isCancelled: false };
      return { ...state, cordoned, drain: { ...begun, wasResumed: false, ended: [] } };
    }
    case 'plan':
      return drain ? { ...state, drain: { ...drain, plan: entry } } : state;
    case 'cordon':
      return { ...state, cordoned: new Set([...state.cordoned, entry.host]) };
    case 'uncordon': {
      const cordoned = new Set(state.cordoned);
      cordoned.delete(entry.host);
      return { ...state, cordoned };
    }
    case 'placed': {
      const lost = new Set(state.lost);
      lost.delete(entry.vm);
      return { ...state, lost, places: new Map([...state.places, [entry.vm, entry.place]]) };
    }
    case 'attempt': {
      const { vm } = entry.move;
      const decisions = { wanted: 'move', toldToMigrate: false, toldToRun: false } as const;
      const attempts = new Map([...state.attempts, [vm, (state.attempts.get(vm) ?? 0) + 1]]);
      const begun = { begin: entry, decisions, givenUp: undefined, asked: undefined };
      return { ...state, attempts, open: begun };
    }
    case 'act':
      return open ? { ...state, open: afterAct(open, entry.action) } : state;
    case 'failed-act':
      return open && entry.isRefused ? { ...state, open: afterRefusal(open, entry.action) } : state;
    case 'decided': {
      if (!open) return state;
      const decisions = { ...open.decisions, chosen: entry.decision };
      return { ...state, open: { ...open, decisions } };
    }
    case 'give-up': {
      if (!open) return state;
      const decisions = { ...open.decisions, wanted: 'stay' } as const;
      return { ...state, open: { ...open, decisions, givenUp: entry.reason } };
    }
    case 'asked':
      return open ? { ...state, open: askedAgain(open, entry.reason) } : state;
    case 'ended':
      return open ? afterEnd(state, entry, open) : state;
    case 'wish':
      return afterWish(state, entry.wish);
    case 'drained':
      return { ...state, drain: undefined };
  }
}

/** What ends a pause says nothing of the moves that are to be looked at first. */
function resumed(drain: OpenDrain): OpenDrain {
  return { ...drain, isPaused: false, wasResumed: drain.wasResumed || !drain.isPaused };
}

function afterWish(state: FleetState, wish: Wish): FleetState {
  const { open, drain } = state;
  if (wish.wants === 'settle') {
    const isMeant = open?.begin.move.vm === wish.vm;
    return isMeant ? { ...state, open: settled(open, wish.as) } : state;
  }
  if (!drain) return state;
  switch (wish.wants) {
    case 'pause':
      return { ...state, drain: { ...drain, isPaused: true } };
    case 'resume':
      return { ...state, drain: resumed(drain) };
    case 'cancel':
      return { ...state, drain: { ...drain, isCancelled: true } };
  }
}

/** What all entries add up to. */
export function stateOf(entries: Iterable<FleetEntry>): FleetState {
  let state = emptyState;
  for (const entry of entries) state = afterEntry(state, entry);
  return state;
}
