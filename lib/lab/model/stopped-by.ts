// What stopped the guest of a migration that had not converged: the limit of the experiment, or a policy.
import type { Measurement } from './run.js';

type Stop = Measurement['migration']['consultations'][number]['decision'];

/** A decision does not say who made it, but what it rests on: the limit has these numbers, and no others. */
function isTimeLimit({ numbers }: Stop): boolean {
  return Object.keys(numbers).sort().join() === 'elapsedMs,limitMs,passes';
}

/**
 * What stopped the guest before the migration converged by itself: the limit of the experiment, or the policy of its
 * method. Undefined: nothing did.
 */
export function stoppedBy({ migration }: Measurement): 'limit' | 'policy' | undefined {
  const stop = migration.consultations.find(({ decision }) => decision.choice === 'stop-now');
  if (!stop) return undefined;
  return isTimeLimit(stop.decision) ? 'limit' : 'policy';
}
