// The limit of an experiment, for migrations that do not converge: after a while, stop and copy.
import type { Policy } from '../../migration/decision.js';
import { timeLimitPolicy as policy } from '../model/stopped-by.js';

/** Goes on for so long, and then stops the guest to send what is left. */
export function timeLimit(limitMs: number): Policy {
  return ({ elapsedMs, passes }) => {
    const numbers = { elapsedMs, limitMs, passes: passes.length };
    return elapsedMs < limitMs
      ? { choice: 'go-on', policy, reason: 'There is time left.', numbers, askAgainAtMs: limitMs }
      : {
          choice: 'stop-now',
          policy,
          reason: `It has not converged within the ${limitMs} ms that the experiment allows.`,
          numbers,
        };
  };
}
