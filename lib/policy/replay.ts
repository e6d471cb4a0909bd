// What a policy decides on a recorded migration, and how good predictions were: pure, like the policies.

import { checkObject } from '../errors/check-options.js';
import { OptionError } from '../errors/option-error.js';
import { shown } from '../errors/shown.js';
import type { Observation, Policy, PolicyEvaluation } from '../migration/decision.js';
import { evaluatePolicy } from '../migration/evaluate-policy.js';
import type { Pass } from '../migration/pass.js';
import type { Recording } from '../migration/recording.js';
import type { MigrationResult } from '../migration/result.js';
import { checkPolicy } from './check-settings.js';
import { type Prediction, predict } from './prediction.js';

type Moment = Pick<PolicyEvaluation, 'elapsedMs' | 'endedPasses'>;

/** Throws OptionError unless it has the parts of a recording. */
function checked(recording: Recording): Recording {
  const expected = 'a recording, as parseRecording returns it';
  checkObject('recording', recording, expected);
  checkObject('recording.start', recording.start, `the first entry of ${expected}`);
  if (Array.isArray(recording.entries)) return recording;
  const given = shown(recording.entries);
  throw new OptionError('recording.entries', `is ${given}; expected the entries of ${expected}`);
}

/** The passes of a recorded migration. */
export function passesOf(recording: Recording): Pass[] {
  const { entries } = checked(recording);
  return entries.flatMap((entry) => (entry.type === 'pass' ? [entry.pass] : []));
}

/** The policy evaluations of a recorded migration. */
export function policyEvaluationsOf(recording: Recording): PolicyEvaluation[] {
  const { entries } = checked(recording);
  return entries.flatMap((entry) => (entry.type === 'policy-evaluation' ? [entry.evaluation] : []));
}

/** The limits that were changed by then. */
function limitsAt({ entries }: Recording, elapsedMs: number): Partial<Observation> {
  const last = entries.findLast((entry) => entry.type === 'limits' && entry.elapsedMs <= elapsedMs);
  if (last?.type !== 'limits') return {};
  const { bandwidthLimitBytesPerSecond, downtimeLimitMs } = last;
  return { bandwidthLimitBytesPerSecond, downtimeLimitMs };
}

function observationAt(recording: Recording, passes: readonly Pass[], moment: Moment): Observation {
  const { elapsedMs, endedPasses } = moment;
  return {
    ...recording.start.context,
    ...limitsAt(recording, elapsedMs),
    elapsedMs,
    passes: passes.slice(0, endedPasses),
  };
}

/** When the policy was evaluated, or would have been: at the beginning, and after each pass of pre-copy. */
function momentsOf(recording: Recording, passes: readonly Pass[]): Moment[] {
  const recorded = policyEvaluationsOf(recording);
  if (recorded.length > 0) return recorded;
  const ends = passes
    .map(({ endMs, phase }, index) => ({ elapsedMs: endMs, endedPasses: index + 1, phase }))
    .filter(({ phase }) => phase === 'pre-copy');
  return [{ elapsedMs: 0, endedPasses: 0 }, ...ends];
}

/**
 * Evaluates a policy on a recorded migration, up to its first decision that is not to go on. If a policy was evaluated
 * in the recording, this one is evaluated at the same times, so that the same policy decides the same; otherwise at
 * the beginning, after each pass, and at the times that its decisions name.
 */
export function replay(recording: Recording, policy: Policy): PolicyEvaluation[] {
  checkPolicy('policy', policy);
  const passes = passesOf(recording);
  const moments = momentsOf(recording, passes);
  const choosesTimes = policyEvaluationsOf(recording).length === 0;
  const policyEvaluations: PolicyEvaluation[] = [];
  let evaluateAtMs = Number.POSITIVE_INFINITY;
  const evaluate = (moment: Moment) => {
    const decision = evaluatePolicy(policy, observationAt(recording, passes, moment));
    const { elapsedMs, endedPasses } = moment;
    policyEvaluations.push({ elapsedMs, endedPasses, decision });
    const { askAgainAtMs = Number.POSITIVE_INFINITY } = decision;
    evaluateAtMs = askAgainAtMs > elapsedMs ? askAgainAtMs : Number.POSITIVE_INFINITY;
    return decision.choice === 'go-on';
  };
  for (const moment of moments) {
    const before = { elapsedMs: evaluateAtMs, endedPasses: Math.max(0, moment.endedPasses - 1) };
    if (choosesTimes && evaluateAtMs < moment.elapsedMs && !evaluate(before))
      return policyEvaluations;
    if (!evaluate(moment)) return policyEvaluations;
  }
  return policyEvaluations;
}

/** What would have been predicted at one time. */
export interface TimedPredictions {
  /** After how many passes. */
  readonly endedPasses: number;
  /** A prediction for each choice. */
  readonly predictions: readonly Prediction[];
}

/** How long a migration really took. */
export interface ActualTimes {
  /** The total time. */
  readonly totalMs: number;
  /** The downtime, where QEMU told it. */
  readonly downtimeMs: number | undefined;
}

/** A prediction of what was done (to go on, or the decision that was made) beside what came of it. */
export interface PredictionComparison {
  /** After how many passes it would have been made. */
  readonly endedPasses: number;
  /** What would have been predicted. */
  readonly predicted: Prediction;
  /** What happened; `bytes` are those sent after that time. */
  readonly actual: ActualTimes & { readonly bytes: number };
}

/** The predictions that could have been made during a recorded migration, and how they compare with it. */
export interface PredictionReport {
  /** What would have been predicted after each pass. */
  readonly predictions: readonly TimedPredictions[];
  /** What happened; undefined if the recording lacks its end. */
  readonly actual: ActualTimes | undefined;
  /** The predictions of what was done, beside what came of it; none unless the migration completed. */
  readonly comparisons: readonly PredictionComparison[];
}

function resultOf({ entries }: Recording): MigrationResult | undefined {
  const end = entries.findLast((entry) => entry.type === 'end');
  return end?.type === 'end' ? end.result : undefined;
}

/** Only predictions of what was done can be compared, and only where the guest arrived. */
function compare(
  recording: Recording,
  predictions: readonly TimedPredictions[],
  result: MigrationResult | undefined,
): PredictionComparison[] {
  if (result?.outcome !== 'completed') return [];
  const passes = passesOf(recording);
  const acted = policyEvaluationsOf(recording).find(({ decision }) => decision.choice !== 'go-on');
  const done = acted?.decision.choice ?? 'go-on';
  return predictions.flatMap(({ endedPasses, predictions: made }) => {
    const predicted = made.find(({ choice }) => choice === done);
    if (!predicted || (acted && endedPasses !== acted.endedPasses)) return [];
    const before = passes.slice(0, endedPasses).reduce((sum, { sentBytes }) => sum + sentBytes, 0);
    const { totalMs, downtimeMs, bytes } = result;
    const actual = { totalMs, downtimeMs, bytes: bytes.total - before };
    return [{ endedPasses, predicted, actual }];
  });
}

/** Predicts after each pass of a recorded migration, and compares the predictions with what happened. */
export function evaluatePredictions(recording: Recording): PredictionReport {
  const passes = passesOf(recording);
  const predictions = momentsOf(recording, passes).flatMap((moment) => {
    const predicted = predict(observationAt(recording, passes, moment));
    const { endedPasses } = moment;
    return predicted ? [{ endedPasses, predictions: predicted.predictions }] : [];
  });
  const result = resultOf(recording);
  const actual = result && { totalMs: result.totalMs, downtimeMs: result.downtimeMs };
  return { predictions, actual, comparisons: compare(recording, predictions, result) };
}
