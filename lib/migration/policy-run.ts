// A policy on its way through one migration: when it is evaluated, and what it decided.
import type { Decision, Observation, Policy, PolicyEvaluation } from './decision.js';
import { PolicyDecisionError } from './errors.js';
import { evaluatePolicy } from './evaluate-policy.js';
import type { Observed } from './observer.js';
import type { CheckedOptions } from './options.js';

/** What the method `hybrid` does without a policy. */
function switchAfterFirstPass({ passes }: Observation): Decision {
  const numbers = { passes: passes.length };
  const policy = 'switch-after-first-pass';
  return passes.length === 0
    ? { choice: 'go-on', policy, reason: 'The first pass is under way.', numbers }
    : { choice: 'post-copy', policy, reason: 'The first pass has ended.', numbers };
}

/** What decides where the caller gave no policy; undefined: QEMU alone. */
export function defaultPolicy(method: CheckedOptions['method']): Policy | undefined {
  return method === 'hybrid' ? switchAfterFirstPass : undefined;
}

/** A policy on its way through one migration. */
export class PolicyRun {
  /** Undefined once it is over: something was decided, or the policy failed. */
  #policy: Policy | undefined;
  readonly #evaluations: PolicyEvaluation[] = [];
  #evaluateAtMs = Number.POSITIVE_INFINITY;

  constructor(policy: Policy | undefined) {
    this.#policy = policy;
  }

  /** All evaluations so far, oldest first. */
  get evaluations(): readonly PolicyEvaluation[] {
    return this.#evaluations;
  }

  /** When the policy wants to be evaluated even if no pass ends. */
  get evaluateAtMs(): number {
    return this.#evaluateAtMs;
  }

  /** Also when the migration begins: the first pass may take longer than a policy is willing to wait. */
  isDue({ pass, elapsedMs }: Observed): boolean {
    if (!this.#policy) return false;
    const isFirst = this.#evaluations.length === 0;
    return isFirst || pass !== undefined || elapsedMs >= this.#evaluateAtMs;
  }

  /** Throws what is wrong with the policy if it does not decide. */
  evaluate(observation: Observation): PolicyEvaluation {
    if (!this.#policy) throw new PolicyDecisionError('It is over.');
    const decision = evaluatePolicy(this.#policy, observation);
    const { askAgainAtMs = 0 } = decision;
    // A time that has passed would have the policy evaluated without end.
    const isLater = askAgainAtMs > observation.elapsedMs;
    this.#evaluateAtMs = isLater ? askAgainAtMs : Number.POSITIVE_INFINITY;
    return this.add(decision, observation);
  }

  /** Adds a decision that somebody else made. */
  add(decision: Decision, { elapsedMs, passes }: Observation): PolicyEvaluation {
    const evaluation = { elapsedMs, endedPasses: passes.length, decision };
    this.#evaluations.push(evaluation);
    return evaluation;
  }

  /** The policy is not evaluated any more. */
  end(): void {
    this.#policy = undefined;
    this.#evaluateAtMs = Number.POSITIVE_INFINITY;
  }
}
