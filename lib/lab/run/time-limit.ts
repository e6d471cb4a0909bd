// The limit of an experiment, for migrations that do not converge: after a while, stop and copy.
import type { Policy } from '../../migration/decision.js';

/** Goes on for so long, and then stops the guest to send what is left. */
export function timeLimit(limitMs: number): Policy {
  return ({ elapsedMs, passes }) => {
    const numbers = { elapsedMs, limitMs, passes: passes.length };
    return elapsedMs < limitMs
      ? { choice: 'go-on', because: 'There is time left.', numbers, askAgainAtMs: limitMs }
      : {
          choice: 'stop-now',
          because: `It has not converged within the ${limitMs} ms that the experiment allows.`,
          numbers,
        };
  };
}
