// Evaluates a policy, and checks that what it returns is a decision.
import { z } from 'zod';
import { isPromise } from './callbacks.js';
import { type Decision, decisionSchema, type Observation, type Policy } from './decision.js';
import { PolicyDecisionError } from './errors.js';

/** Whether it was declared `async`: it can't decide at once then. */
export function isAsync(policy: unknown): boolean {
  return Object.prototype.toString.call(policy) === '[object AsyncFunction]';
}

/** Evaluates a policy; throws an error that says what is wrong with the policy if it does not decide. */
export function evaluatePolicy(policy: Policy, observation: Observation): Decision {
  const returned: unknown = policy(observation);
  if (isPromise(returned)) {
    // It may be rejected later, and nobody waits for it.
    returned.then(undefined, () => {});
    throw new PolicyDecisionError(
      'It returned a promise. A policy decides at once, from what it is given.',
    );
  }
  if (returned === undefined)
    throw new PolicyDecisionError('It returned nothing; expected a decision.');
  const { success, data, error } = decisionSchema.safeParse(returned);
  if (!success) {
    const problems = z.prettifyError(error).replaceAll(/\s*\n\s*/g, ' ');
    throw new PolicyDecisionError(`What it returned is no decision: ${problems}`);
  }
  if (data.choice === 'post-copy' && !observation.postcopyPossible) {
    throw new PolicyDecisionError(
      'It chose post-copy, which is not possible: the migration began without the capability "postcopy-ram".',
    );
  }
  return data;
}
