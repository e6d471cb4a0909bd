// The end of migrations that have none: after a while, stop and copy.
import type { Policy } from '../../migration/decision.js';

/** The name of the policy below, by which its decisions are known. */
export const timeLimitPolicy = 'time-limit';

/** Goes on for so long, and then stops the guest to send what is left. */
export function stopAfter(limitMs: number): Policy {
  return ({ elapsedMs, passes }) => {
    const numbers = { elapsedMs, limitMs, passes: passes.length };
    const policy = timeLimitPolicy;
    return elapsedMs < limitMs
      ? { choice: 'go-on', policy, reason: 'There is time left.', numbers, askAgainAtMs: limitMs }
      : {
          choice: 'stop-now',
          policy,
          reason: `It has not ended within ${limitMs} ms, which is all that the experiment gives it.`,
          numbers,
        };
  };
}
