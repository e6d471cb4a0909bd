// Drains a host: moves every VM that is there, one at a time, and goes on where an earlier process was killed.
import { setTimeout as pause } from 'node:timers/promises';
import { FakedirtyError } from '../../errors/error.js';
import type { Move } from '../../site/move.js';
import type { Place } from '../../site/place.js';
import type { HookName } from '../../site/site.js';
import type { MoveDriver, MoveProgress } from '../drivers/driver.js';
import { FleetStateError, PreflightError } from '../errors.js';
import type { TakenFolder } from '../journal/site-folder.js';
import type { FleetState } from '../journal/state.js';
import {
  checkDrainOptions,
  completePlan,
  type DrainOptions,
  digestOf,
  placeOf,
  preflight,
  remarks,
  siteNow,
} from './before-drain.js';
import { type CarriedOut, carryOut } from './carry-out.js';
import { type HookFacts, runHook } from './hooks.js';
import { type DrainOutcome, nextMove } from './next-move.js';

const pollMs = 250;

/** Who carries it out, and for whom. */
export interface DrainContext {
  /** Where it is written down. */
  readonly taken: TakenFolder;
  /** What moves the VMs. */
  readonly driver: MoveDriver;
  /** Aborting it cancels the drain: the VM that is being moved stays. */
  readonly signal: AbortSignal;
  /** How far the move is that is under way; often. */
  readonly onProgress: (move: Move, progress: MoveProgress | undefined) => void;
  /** Something keeps a move from going on, and a person could help. */
  readonly onTrouble: (text: string) => void;
}

/** How a drain ended: as the last entry of its journal says, or with a question to a person, who settles it. */
export type DrainEnd = DrainOutcome | 'asked';

class Drain {
  readonly #options: DrainOptions;
  readonly #context: DrainContext;
  #isCancelledHere = false;

  constructor(options: DrainOptions, context: DrainContext) {
    this.#options = options;
    this.#context = context;
  }

  get #state(): FleetState {
    return this.#context.taken.state;
  }

  /** Obeys what people want; a move that is under way is given up where the drain is cancelled. */
  readonly obey = (): void => {
    const { taken, signal } = this.#context;
    taken.newWishes();
    if (signal.aborted && !this.#isCancelledHere) {
      const reason = String(signal.reason?.message ?? signal.reason);
      taken.append({ type: 'wish', wish: { wants: 'cancel', user: reason }, isSignal: true });
      // Not before it is written down: on a full disk it is tried again.
      this.#isCancelledHere = true;
    }
    const { open, drain } = this.#state;
    if (!drain?.isCancelled || !open || open.givenUp !== undefined) return;
    const reason = 'The drain was cancelled.';
    taken.append({ type: 'give-up', attempt: open.begin.attempt, reason });
  };

  async run(): Promise<DrainEnd> {
    const { taken } = this.#context;
    await this.#begin();
    const [outcome, reason] = await this.#moveAll();
    const { host } = this.#options;
    if (outcome !== 'asked') taken.append({ type: 'drained', host, outcome, reason });
    return outcome;
  }

  /** Begins a drain, or goes on with one whose process was killed. */
  async #begin(): Promise<void> {
    const { site, host, stopAfterFailures, byMs, canary } = this.#options;
    const { taken, driver } = this.#context;
    const { drain } = this.#state;
    if (drain && drain.begin.host !== host) {
      throw new FleetStateError(
        `A drain of ${drain.begin.host} is under way: "fakedirty drain ${drain.begin.host}" goes on with it, and "fakedirty cancel" ends it.`,
      );
    }
    if (drain?.plan) {
      const since = new Date(drain.begin.atMs).toLocaleTimeString('en-GB');
      this.#context.onTrouble(
        `Going on with the drain that began at ${since}, as it was planned then: of the options given now only --stall counts.`,
      );
      return;
    }
    // One that was killed before it had a plan, and can't have one, is ended all the same.
    if (drain) this.obey();
    if (this.#state.drain?.isCancelled) return;
    // What was wanted of an earlier drain at its very end is nothing that this one is to obey.
    if (!drain) taken.newWishes();
    const planned = await completePlan(this.#options, this.#state, driver);
    const problems = await preflight(this.#options, this.#state, planned, driver);
    if (problems.length > 0) throw new PreflightError(problems);
    for (const text of await remarks(this.#options, this.#state, planned, driver)) {
      this.#context.onTrouble(text);
    }
    const limits = {
      ...{ stopAfterFailures, windows: site.windows },
      ...(byMs === undefined ? {} : { byMs }),
      ...(canary === undefined ? {} : { canary }),
    };
    if (!drain) taken.append({ type: 'drain', host, options: limits });
    const uncordoned = await this.#hook('cordon', {});
    if (uncordoned !== undefined) {
      taken.append({ type: 'drained', host, outcome: 'stopped', reason: uncordoned });
      throw new PreflightError([uncordoned]);
    }
    const digest = digestOf(site, siteNow(site, this.#state));
    taken.append({ type: 'plan', digest, ...planned });
  }

  async #moveAll(): Promise<readonly [DrainEnd, string]> {
    const { taken, onTrouble } = this.#context;
    const { open } = this.#state;
    if (open && (await this.#carryOut(open.begin.move)) === 'asked') return asked;
    let told = '';
    for (;;) {
      this.obey();
      const { drain } = this.#state;
      if (!drain) throw new FleetStateError('The drain has ended.');
      const next = nextMove(drain, Date.now());
      if (next.do === 'end') return [next.outcome, next.reason];
      if (taken.isFull) return ['stopped', 'The disk of its journal is full.'];
      if (next.do === 'wait') {
        if (next.reason !== told) onTrouble(next.reason);
        told = next.reason;
        await pause(pollMs);
      } else if ((await this.#move(next.move)) === 'asked') return asked;
    }
  }

  async #move(move: Move): Promise<CarriedOut> {
    const { taken, driver } = this.#context;
    const { vm, from, to, method } = move;
    const number = (this.#state.attempts.get(vm) ?? 0) + 1;
    const attempt = `${vm}-${this.#state.mark}-${number}`;
    const place = placeOf(this.#options, this.#state, vm);
    const identified = await this.#identify(place);
    const source = typeof identified === 'string' ? place : identified;
    const arrival = await driver.arrival({ vm, source, to, method }, attempt);
    // Whoever is killed between the two has it run once more.
    const refused =
      typeof identified === 'string' ? identified : await this.#hook('before', { vm, from, to });
    taken.append({ type: 'attempt', attempt, move, source, ...arrival });
    if (refused === undefined) return await this.#carryOut(move);
    const reason = `${refused} The guest was not touched.`;
    taken.append({ type: 'ended', attempt, outcome: 'stayed', reason });
    return 'stayed';
  }

  /** The place with what the VM is known by; or why that can't be known. */
  async #identify(place: Place): Promise<Place | string> {
    try {
      return await this.#context.driver.identify(place);
    } catch (error) {
      if (!(error instanceof FakedirtyError)) throw error;
      return `It can't be asked: ${error.message}`;
    }
  }

  async #hook(name: HookName, facts: HookFacts): Promise<string | undefined> {
    const { site, host } = this.#options;
    return await runHook(site, name, { host, ...facts });
  }

  async #carryOut(move: Move): Promise<CarriedOut> {
    const { taken, driver, onProgress, onTrouble } = this.#context;
    const outcome = await carryOut({
      taken,
      driver,
      onTrouble,
      stallMs: this.#options.stallMs,
      obey: this.obey,
      onProgress: (progress) => onProgress(move, progress),
    });
    if (outcome === 'asked') return outcome;
    const { vm, from, to } = move;
    const reason = await this.#hook('after', { vm, from, to, outcome });
    if (reason !== undefined) taken.append({ type: 'trouble', reason });
    return outcome;
  }
}

const asked = ['asked', 'A person has to look.'] as const;

/** Drains a host. Throws PreflightError, with nothing moved, when it can't be done as asked. */
export async function drain(options: DrainOptions, context: DrainContext): Promise<DrainEnd> {
  checkDrainOptions(options);
  return await new Drain(options, context).run();
}
