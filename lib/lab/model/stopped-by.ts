// What stopped the guest of a migration that had not converged: the limit of the experiment, or a policy.
import type { Measurement } from './run.js';

/** The policy that keeps to the limit of the experiment: its decisions carry this name. */
export const timeLimitPolicy = 'time-limit';

/**
 * What stopped the guest before the migration converged by itself: the limit of the experiment, or the policy of its
 * method. Undefined: nothing did.
 */
export function stoppedBy(measurement: Measurement): 'limit' | 'policy' | undefined {
  const { policyEvaluations } = measurement.migration;
  const stop = policyEvaluations.find(({ decision }) => decision.choice === 'stop-now');
  if (!stop) return undefined;
  return stop.decision.policy === timeLimitPolicy ? 'limit' : 'policy';
}
