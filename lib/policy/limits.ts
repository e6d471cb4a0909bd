// Policies that bound or combine others: give up after, auto-converge first, several in order.
import type { Decision, Policy } from '../migration/decision.js';
import { bytesText, decide, timeText } from './decide.js';

export interface GiveUpOptions {
  readonly afterMs?: number;
  readonly afterPasses?: number;
  readonly afterBytes?: number;
}

/** Cancels what takes too long; the guest goes on at the source. */
export function giveUp({ afterMs, afterPasses, afterBytes }: GiveUpOptions): Policy {
  return ({ elapsedMs, passes }) => {
    const sentBytes = passes.reduce((sum, { sentBytes: sent }) => sum + sent, 0);
    const count = passes.at(-1)?.number ?? 0;
    const numbers = { elapsedMs, passes: count, sentBytes };
    if (afterMs !== undefined && elapsedMs >= afterMs) {
      const limit = timeText(afterMs);
      return decide(
        'give-up',
        `${timeText(elapsedMs)} have passed; the limit is ${limit}.`,
        numbers,
      );
    }
    if (afterPasses !== undefined && count >= afterPasses) {
      return decide('give-up', `${count} passes are over; the limit is ${afterPasses}.`, numbers);
    }
    if (afterBytes !== undefined && sentBytes >= afterBytes) {
      const limit = bytesText(afterBytes);
      return decide('give-up', `${bytesText(sentBytes)} are sent; the limit is ${limit}.`, numbers);
    }
    return decide('go-on', 'No limit has been reached.', numbers, afterMs);
  };
}

export interface AutoConvergeFirstOptions {
  /** How much the guest may be slowed down before something else is tried; default 80. */
  readonly untilPercent?: number;
  /** How many passes auto-converge has to begin in; default 4. */
  readonly patiencePasses?: number;
  readonly next: Policy;
}

/** Lets auto-converge, which must be on, try first. */
export function autoConvergeFirst({
  untilPercent = 80,
  patiencePasses = 4,
  next,
}: AutoConvergeFirstOptions): Policy {
  return (observation) => {
    const { number = 0, throttlePercent = 0 } = observation.passes.at(-1) ?? {};
    const numbers = { throttlePercent, untilPercent, passes: number };
    const begun = throttlePercent > 0;
    if (begun ? throttlePercent < untilPercent : number < patiencePasses) {
      const story = begun
        ? `Auto-converge slows the guest down by ${throttlePercent} %, and may by ${untilPercent} %.`
        : `Auto-converge has ${patiencePasses - number} more passes to begin in.`;
      return decide('go-on', story, numbers);
    }
    const decision = next(observation);
    const tried = begun ? `at ${throttlePercent} % it does not help enough` : 'it has not begun';
    const because = `Auto-converge was tried (${tried}). ${decision.because}`;
    return { ...decision, because, numbers: { ...numbers, ...decision.numbers } };
  };
}

/** Asks one after the other: the first that does not want to go on decides. */
export function chain(...policies: readonly Policy[]): Policy {
  return (observation) => {
    const asked: Decision[] = [];
    for (const policy of policies) {
      const decision = policy(observation);
      if (decision.choice !== 'go-on') return decision;
      asked.push(decision);
    }
    const times = asked.flatMap(({ askAgainAtMs }) => askAgainAtMs ?? []);
    return {
      choice: 'go-on',
      because: asked.map(({ because }) => because).join(' ') || 'There is no policy.',
      numbers: Object.assign({}, ...asked.map(({ numbers }) => numbers)),
      ...(times.length > 0 ? { askAgainAtMs: Math.min(...times) } : {}),
    };
  };
}
