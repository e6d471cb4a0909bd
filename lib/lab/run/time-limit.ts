// The end of migrations that have none: after a while, stop and copy.
import type { Decision, Policy } from '../../migration/decision.js';

/** Goes on for so long, and then stops the guest to send what is left. */
export function stopAfter(limitMs: number): Policy {
  return ({ elapsedMs, passes }) => {
    const numbers = { elapsedMs, limitMs, passes: passes.length };
    return elapsedMs < limitMs
      ? { choice: 'go-on', because: 'There is time left.', numbers, askAgainAtMs: limitMs }
      : {
          choice: 'stop-now',
          because: `It has not ended within ${limitMs} ms, which is all that the experiment gives it.`,
          numbers,
        };
  };
}

/**
 * Whether it was this that stopped a migration, and not the policy of a method. A decision does not say who made
 * it, but what it rests on: here these numbers, and no others.
 */
export function isOutOfTime({ choice, numbers }: Decision): boolean {
  const names = Object.keys(numbers).sort().join();
  return choice === 'stop-now' && names === 'elapsedMs,limitMs,passes';
}
