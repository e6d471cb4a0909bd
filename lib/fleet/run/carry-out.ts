// Carries out one attempt at a move: looks at both sides, decides by what it sees, writes that down, does it, and looks
// again. It may be killed at any moment: whoever goes on with the same attempt looks first.
import { setTimeout as pause } from 'node:timers/promises';
import { messageOf } from '../../errors/message-of.js';
import type { Act, MoveDriver, MoveInHand, MoveProgress } from '../drivers/driver.js';
import { ActRefusedError, FleetStateError, FleetWriteError } from '../errors.js';
import type { TakenFolder } from '../journal/site-folder.js';
import type { OpenAttempt } from '../journal/state.js';
import { nextAction, type Observation, type Outcome } from '../move/next-action.js';

/** Nothing is overlooked for longer than that, whatever a driver hears of. */
const lookAgainMs = 500;
/** What was told and has not come about is told again. */
const tellAgainMs = 3000;
const pauseMs = 200;
const writeAgainMs = 1000;

/** What carrying out needs. */
export interface CarryOutOptions {
  readonly taken: TakenFolder;
  readonly driver: MoveDriver;
  /** Is called before each look: obeys what people want. */
  readonly obey: () => void;
  /** How far it is. */
  readonly onProgress: (progress: MoveProgress | undefined) => void;
  /** Something keeps the move from going on, and a person could help. */
  readonly onTrouble: (text: string) => void;
  /** A move that sends nothing for so long is given up. */
  readonly stallMs: number;
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
  #position: string | undefined;
  #movedAtMs = 0;
  /** It was being migrated, and not in post-copy, when the source answered last. */
  #wasOurs = false;
  /** How long the source may be silent: QEMU answers nobody while it sends the rest. */
  #restMs = 0;
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
    const { taken, onProgress } = this.#options;
    for (;;) {
      this.#obey();
      const { decisions } = this.#open;
      const seen = await this.#look();
      const action = nextAction(seen, decisions);
      switch (action.do) {
        case 'wait':
          onProgress(this.#hand.progress);
          await this.#watchOverProgress(seen);
          await this.#guide();
          break;
        case 'ask':
          await this.#write(() =>
            taken.append({ type: 'asked', attempt: this.#name, reason: action.reason }),
          );
          return 'asked';
        case 'finish':
          await this.#finish(action.outcome);
          return action.outcome;
        default:
          await this.#do(action.do);
      }
    }
  }

  #obey(): void {
    try {
      this.#options.obey();
    } catch (error) {
      // It is obeyed once it can be written down.
      if (!(error instanceof FleetWriteError)) throw error;
    }
  }

  async #look(): Promise<Observation> {
    const { taken } = this.#options;
    const seen = await this.#hand.observe(this.#open.decisions);
    await this.#noteDecision();
    const before = this.#seen;
    if (before?.source !== seen.source || before.destination !== seen.destination) {
      this.#seen = seen;
      this.#told = undefined;
      await this.#write(() => taken.append({ type: 'seen', attempt: this.#name, ...seen }));
    }
    return seen;
  }

  /** What its policy has chosen is written down before it is carried out. */
  async #noteDecision(): Promise<void> {
    const { decision } = this.#hand;
    const { chosen } = this.#open.decisions;
    if (!chosen && decision) {
      const entry = { type: 'decided', attempt: this.#name, decision } as const;
      await this.#write(() => this.#options.taken.append(entry));
    }
    const { choice, reason } = chosen ?? decision ?? {};
    if (choice === 'give-up') await this.#giveUp(`The policy gave up: ${reason}`);
  }

  /** Nothing is to be done to either side, but what the method or the policy asks for. */
  async #guide(): Promise<void> {
    const { due } = this.#hand;
    const isWanted = this.#open.decisions.wanted === 'move';
    if (due && isWanted) await this.#do(due);
    else await this.#hand.untilNews(lookAgainMs);
  }

  async #do(action: Act): Promise<void> {
    const isTold = this.#told?.action === action;
    if (isTold && performance.now() - (this.#told?.atMs ?? 0) < tellAgainMs) {
      await this.#hand.untilNews(lookAgainMs);
      return;
    }
    this.#told = { action, atMs: performance.now() };
    await this.#carryOut(action);
  }

  /** Writes it down, then does it. */
  async #carryOut(action: Act): Promise<void> {
    const { taken } = this.#options;
    await this.#write(() => taken.append({ type: 'act', attempt: this.#name, action }));
    try {
      await this.#hand.act(action);
    } catch (error) {
      const reason = messageOf(error);
      const isRefused = error instanceof ActRefusedError;
      const failed = {
        ...({ type: 'failed-act', attempt: this.#name, action, reason } as const),
        ...(isRefused ? { isRefused } : {}),
      };
      await this.#write(() => taken.append(failed));
      // The guest is where it was: it stays there.
      if (action === 'prepare' || action === 'migrate') await this.#giveUp(reason);
      await pause(pauseMs);
    }
  }

  async #finish(outcome: Outcome): Promise<void> {
    await this.#hand.cleanUp(outcome);
    await this.#noteDecision();
    const { figures, failure } = this.#hand;
    const why = outcome === 'stayed' ? (this.#reason ?? failure) : undefined;
    const isInterrupted = outcome === 'stayed' && why === undefined && this.#isTakenOver;
    const told = isInterrupted ? 'Whoever moved it was killed.' : why;
    const reason = told === undefined ? outcomeText[outcome] : `${told} ${outcomeText[outcome]}`;
    await this.#write(() =>
      this.#options.taken.append({
        type: 'ended',
        attempt: this.#name,
        outcome,
        reason,
        ...(isInterrupted ? { isInterrupted } : {}),
        ...(figures ? { figures } : {}),
      }),
    );
  }

  /** Why it stays, as far as that was decided here. */
  get #reason(): string | undefined {
    const { givenUp, decisions } = this.#open;
    if (decisions.settled) return 'A person has settled it.';
    if (givenUp !== undefined) return givenUp;
    return this.#seen?.source === 'somebody-elses' ? 'Somebody else is migrating it.' : undefined;
  }

  /** Another process has begun it. */
  get #isTakenOver(): boolean {
    const { entries } = this.#options.taken;
    const begun = entries.findIndex(
      (entry) => entry.type === 'attempt' && entry.attempt === this.#name,
    );
    return entries.findLastIndex(({ type }) => type === 'controller') > begun;
  }

  async #giveUp(reason: string): Promise<void> {
    if (this.#open.givenUp !== undefined) return;
    const entry = { type: 'give-up', attempt: this.#name, reason } as const;
    await this.#write(() => this.#options.taken.append(entry));
  }

  /** Nothing is done before it is written down: where that can't be done, it is tried again for as long as it takes. */
  async #write(append: () => void): Promise<void> {
    for (let isTold = false; ; isTold = true) {
      try {
        append();
        return;
      } catch (error) {
        if (!(error instanceof FleetWriteError)) throw error;
        if (!isTold)
          this.#options.onTrouble(`${error.message}. The move goes on when that can be.`);
      }
      await pause(writeAgainMs);
    }
  }

  /** How long what is left may take, at the speed that was seen. */
  #restOf({ remainingBytes, linkBytesPerSecond }: MoveProgress): number {
    const { downtimeLimitMs = 0 } = this.#open.begin.move.method;
    if (linkBytesPerSecond <= 0) return downtimeLimitMs;
    return Math.max(downtimeLimitMs, (2000 * remainingBytes) / linkBytesPerSecond);
  }

  /** A link that is down tells nobody: what has not changed for long is given up. */
  async #watchOverProgress({ source, destination }: Observation): Promise<void> {
    // It is there: nothing more is to be sent.
    if (destination === 'arrived') return;
    const { progress } = this.#hand;
    const position = progress && [progress.sentBytes, progress.remainingBytes, progress.passes];
    const isSending = source === 'ours' || source === 'ours-in-post-copy';
    if (isSending && progress) this.#restMs = this.#restOf(progress);
    if (source !== 'unknown') this.#wasOurs = source === 'ours';
    const isSilent = source === 'unknown' && this.#wasOurs && this.#hand.isSilentAtTheEnd;
    // Before it is connected nothing is known of it: also for that it has no longer.
    const sending = isSending ? [source, ...(position ?? [])].join(' ') : undefined;
    const now = isSilent ? (this.#position ?? source) : sending;
    if (now === undefined || now !== this.#position) {
      this.#position = now;
      this.#movedAtMs = performance.now();
    } else if (
      performance.now() - this.#movedAtMs >
      this.#options.stallMs + (isSilent ? this.#restMs : 0)
    ) {
      this.#movedAtMs = performance.now();
      if (source === 'ours-in-post-copy') await this.#carryOut('interrupt');
      else {
        // Its guest stands still meanwhile: it does not wait until the link is given up by itself.
        if (isSilent) await this.#carryOut('interrupt');
        const seconds = Math.round(this.#options.stallMs / 1000);
        await this.#giveUp(`Nothing was sent for ${seconds} s: is the link down?`);
      }
    }
  }
}

/** Carries out the attempt that is open, to its end or to where a person has to look. */
export async function carryOut(options: CarryOutOptions): Promise<CarriedOut> {
  const { open } = options.taken.state;
  if (!open) throw new FleetStateError('No move is under way.');
  await using hand = await options.driver.open(open.begin, open.decisions);
  return await new Attempt(options, hand, open.begin.attempt).run();
}
