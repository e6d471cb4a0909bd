// Carries out one attempt at a move: looks at both sides, decides by what it sees, writes that down, does it, and looks
// again. It may be killed at any moment: whoever goes on with the same attempt looks first.
import { setTimeout as pause } from 'node:timers/promises';
import { messageOf } from '../../errors/message-of.js';
import type { Act, MoveDriver, MoveInHand, MoveProgress } from '../drivers/driver.js';
import { FleetStateError } from '../errors.js';
import type { TakenFolder } from '../journal/site-folder.js';
import type { OpenAttempt } from '../journal/state.js';
import { nextAction, type Observation, type Outcome } from '../move/next-action.js';

/** Nothing is overlooked for longer than that, whatever a driver hears of. */
const lookAgainMs = 500;
/** What was told and has not come about is told again. */
const tellAgainMs = 3000;
const pauseMs = 200;

/** What carrying out needs. */
export interface CarryOutOptions {
  readonly taken: TakenFolder;
  readonly driver: MoveDriver;
  /** Is called before each look: obeys what people want. */
  readonly obey: () => void;
  /** How far it is. */
  readonly onProgress: (progress: MoveProgress | undefined) => void;
}

/** How carrying out ended: as the move did, or with a question to a person. */
export type CarriedOut = Outcome | 'asked';

const outcomeText: Readonly<Record<Outcome, string>> = {
  moved: 'The guest runs at the destination.',
  stayed: 'The guest runs at the source.',
  lost: 'What held the guest has ended. It was started nowhere.',
};

class Attempt {
  readonly #options: CarryOutOptions;
  readonly #hand: MoveInHand;
  readonly #name: string;
  #seen: Observation | undefined;
  #told: { readonly action: string; readonly atMs: number } | undefined;

  constructor(options: CarryOutOptions, hand: MoveInHand, name: string) {
    this.#options = options;
    this.#hand = hand;
    this.#name = name;
  }

  get #open(): OpenAttempt {
    const { open } = this.#options.taken.state;
    if (open?.begin.attempt !== this.#name) throw new FleetStateError('The attempt has ended.');
    return open;
  }

  async run(): Promise<CarriedOut> {
    const { taken, obey, onProgress } = this.#options;
    for (;;) {
      obey();
      const { decisions } = this.#open;
      const seen = await this.#look();
      onProgress(this.#hand.progress);
      const action = nextAction(seen, decisions);
      switch (action.do) {
        case 'wait':
          await this.#hand.untilNews(lookAgainMs);
          break;
        case 'ask':
          taken.append({ type: 'asked', attempt: this.#name, reason: action.reason });
          return 'asked';
        case 'finish':
          await this.#finish(action.outcome);
          return action.outcome;
        default:
          await this.#do(action.do);
      }
    }
  }

  async #look(): Promise<Observation> {
    const seen = await this.#hand.observe(this.#open.decisions);
    const before = this.#seen;
    if (before?.source !== seen.source || before.destination !== seen.destination) {
      this.#seen = seen;
      this.#told = undefined;
      this.#options.taken.append({ type: 'seen', attempt: this.#name, ...seen });
    }
    return seen;
  }

  async #do(action: Act): Promise<void> {
    const { taken } = this.#options;
    const isTold = this.#told?.action === action;
    if (isTold && performance.now() - (this.#told?.atMs ?? 0) < tellAgainMs) {
      await this.#hand.untilNews(lookAgainMs);
      return;
    }
    taken.append({ type: 'act', attempt: this.#name, action });
    this.#told = { action, atMs: performance.now() };
    try {
      await this.#hand.act(action);
    } catch (error) {
      const reason = messageOf(error);
      taken.append({ type: 'failed-act', attempt: this.#name, action, reason });
      // The guest is where it was: it stays there.
      const isBefore = action === 'prepare' || action === 'migrate';
      if (isBefore && !this.#open.givenUp) {
        taken.append({ type: 'give-up', attempt: this.#name, reason });
      }
      await pause(pauseMs);
    }
  }

  async #finish(outcome: Outcome): Promise<void> {
    await this.#hand.cleanUp(outcome);
    const { figures, failure } = this.#hand;
    const { givenUp } = this.#open;
    const why = outcome === 'moved' ? undefined : (givenUp ?? failure);
    const reason = why === undefined ? outcomeText[outcome] : `${why} ${outcomeText[outcome]}`;
    this.#options.taken.append({
      type: 'ended',
      attempt: this.#name,
      outcome,
      reason,
      ...(figures ? { figures } : {}),
    });
  }
}

/** Carries out the attempt that is open, to its end or to where a person has to look. */
export async function carryOut(options: CarryOutOptions): Promise<CarriedOut> {
  const { open } = options.taken.state;
  if (!open) throw new FleetStateError('No move is under way.');
  await using hand = await options.driver.open(open.begin, open.decisions);
  return await new Attempt(options, hand, open.begin.attempt).run();
}
