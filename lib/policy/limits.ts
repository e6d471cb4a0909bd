// Policies that limit or combine others: give up after a limit, auto-converge first, several in order.

import { checkOptions } from '../errors/check-options.js';
import { bytesText, timeText } from '../format/text.js';
import type { Decision, Policy } from '../migration/decision.js';
import { checkNumbers, checkPolicy } from './check-settings.js';
import { decidingAs } from './decide.js';

/** When to give up; a limit that is left out does not count. */
export interface GiveUpOptions {
  /** Give up when the migration has taken this long. */
  readonly afterMs?: number | undefined;
  /** Give up when this many passes have ended. */
  readonly afterPasses?: number | undefined;
  /** Give up when this many bytes have been sent. */
  readonly afterBytes?: number | undefined;
}

/** Cancels a migration that takes too long; the guest stays at the source. */
export function giveUp(limits: GiveUpOptions): Policy {
  const names = ['afterMs', 'afterPasses', 'afterBytes'];
  checkOptions(limits, names, 'limits');
  checkNumbers(limits, names);
  const { afterMs, afterPasses, afterBytes } = limits;
  const decide = decidingAs('give-up');
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

/** How long auto-converge may try, and what comes after it. */
export interface AutoConvergeFirstOptions {
  /** How much auto-converge may slow the guest down before the next policy is evaluated, in percent; default: 80. */
  readonly untilPercent?: number | undefined;
  /** How many passes to wait for auto-converge to begin; default: 4. */
  readonly waitPasses?: number | undefined;
  /** The policy that decides after that. */
  readonly next: Policy;
}

/** Lets auto-converge, which must be on, try before another policy decides. */
export function autoConvergeFirst(options: AutoConvergeFirstOptions): Policy {
  checkOptions(options, ['untilPercent', 'waitPasses', 'next']);
  checkNumbers(options, ['untilPercent', 'waitPasses']);
  checkPolicy('next', options.next);
  const { untilPercent = 80, waitPasses = 4, next } = options;
  const decide = decidingAs('auto-converge-first');
  return (observation) => {
    const { number = 0, throttlePercent = 0 } = observation.passes.at(-1) ?? {};
    const numbers = { throttlePercent, untilPercent, passes: number };
    const begun = throttlePercent > 0;
    if (begun ? throttlePercent < untilPercent : number < waitPasses) {
      const story = begun
        ? `Auto-converge slows the guest down by ${throttlePercent} %, up to ${untilPercent} %.`
        : `Auto-converge has ${waitPasses - number} more passes to begin.`;
      return decide('go-on', story, numbers);
    }
    const decision = next(observation);
    const tried = begun ? `at ${throttlePercent} % it does not help enough` : 'it has not begun';
    const reason = `Auto-converge was tried (${tried}). ${decision.reason}`;
    return { ...decision, reason, numbers: { ...numbers, ...decision.numbers } };
  };
}

/** Evaluates the policies in order: the first one that chooses anything but to go on decides. */
export function chain(...policies: readonly Policy[]): Policy {
  policies.forEach((policy, at) => {
    checkPolicy(`policies.${at}`, policy);
  });
  return (observation) => {
    const decisions: Decision[] = [];
    for (const policy of policies) {
      const decision = policy(observation);
      if (decision.choice !== 'go-on') return decision;
      decisions.push(decision);
    }
    const times = decisions.flatMap(({ askAgainAtMs }) => askAgainAtMs ?? []);
    return {
      choice: 'go-on',
      policy: 'chain',
      reason: decisions.map(({ reason }) => reason).join(' ') || 'There is no policy.',
      numbers: Object.assign({}, ...decisions.map(({ numbers }) => numbers)),
      ...(times.length > 0 ? { askAgainAtMs: Math.min(...times) } : {}),
    };
  };
}
