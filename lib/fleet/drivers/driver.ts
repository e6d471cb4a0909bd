// What can be done with a VM that is moved, whatever manages it. A driver decides nothing: it looks, and does what it
// is told, once.
import type { Decision } from '../../migration/decision.js';
import type { MigrationProgress } from '../../migration/options.js';
import type { VmMeasurement } from '../../site/measurement.js';
import type { MoveMethod } from '../../site/move.js';
import type { Place } from '../../site/place.js';
import type { EntryOf, MoveFigures } from '../journal/entries.js';
import type { Action, Decisions, Observation } from '../move/next-action.js';

/**
 * What the method or a policy has a running migration do: go on in post-copy, end however long the guest stands still
 * for that, or, where that was not enough, stop the guest.
 */
export type Guidance = 'switch-to-post-copy' | 'stop-now' | 'stop-guest';

/**
 * What a driver does to a VM: the actions that change something, and what a migration is to do. `interrupt` ends the connections of a migration over
 * which nothing comes any more: so that it can go on over new ones in post-copy, and fails before that.
 */
export type Act = Exclude<Action['do'], 'wait' | 'finish' | 'ask'> | 'interrupt' | Guidance;

/** How far a move is. */
export interface MoveProgress extends MigrationProgress {
  /** Passes that have ended. */
  readonly passes: number;
}

/** One attempt at a move, in the hands of a driver. */
export interface MoveInHand extends AsyncDisposable {
  /** Looks at both sides. */
  observe(decisions: Decisions): Promise<Observation>;
  /** Does it once; it rejects when that could not be done, or perhaps was not. */
  act(action: Act): Promise<void>;
  /** Waits until something has happened that may be seen, or for so long. */
  untilNews(limitMs: number): Promise<void>;
  /** How far it is, as far as that is known. */
  readonly progress: MoveProgress | undefined;
  /** What it cost; undefined where nobody watched it. */
  readonly figures: MoveFigures | undefined;
  /** What its policy has chosen, once that was not to go on; undefined: nothing yet, or nobody heard of it. */
  readonly decision: Decision | undefined;
  /** What the migration that was seen last is to be told now; undefined: nothing, or somebody else does it. */
  readonly due: Guidance | undefined;
  /** Its source answers nobody while it sends the rest: silence says then that nothing comes through. */
  readonly isSilentAtTheEnd: boolean;
  /** What the driver knows of why it failed; undefined where it knows nothing. */
  readonly failure: string | undefined;
  /** Removes what the attempt has left behind: all of it, or only what is not needed where the guest is. */
  cleanUp(outcome: 'moved' | 'stayed' | 'lost'): Promise<void>;
}

/** What a driver has to know of a place to which a VM may be moved. */
export interface Target {
  /** The VM. */
  readonly vm: string;
  /** Where it is. */
  readonly source: Place;
  /** The host. */
  readonly to: string;
  /** How it is to be moved. */
  readonly method: MoveMethod;
}

/** Where an attempt's destination will be. */
export interface Arrival {
  /** The place. */
  readonly destination: Place;
  /** Where it listens. */
  readonly listen: string;
}

/** How VMs of one kind are moved. */
export interface MoveDriver {
  /** Looks at a VM where it is, and at where it shall go: what is in the way, a sentence each. */
  preflight(target: Target): Promise<readonly string[]>;
  /** What is worth knowing of a move, and in nobody's way: a sentence each. */
  remarks(target: Target): Promise<readonly string[]>;
  /** The names of guests that run on a host, whoever started them; those of QEMUs alone are not known. */
  guestsOn(host: string): Promise<readonly string[]>;
  /** The place of a VM, with all by which it can be told from another that comes after it. */
  identify(source: Place): Promise<Place>;
  /** Measures a VM for about four times so long. */
  measure(vm: string, source: Place, seconds: number): Promise<VmMeasurement>;
  /** Where an attempt of that name will have its destination. */
  arrival(target: Target, attempt: string): Promise<Arrival>;
  /** Takes an attempt in hand: one that begins, or one whose controller was killed. */
  open(attempt: EntryOf<'attempt'>, decisions: Decisions): Promise<MoveInHand>;
}
