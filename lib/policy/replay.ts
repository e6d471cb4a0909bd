// What a policy decides on a recorded migration: pure, like the policies.
import type { Consultation, Observation, Policy } from '../migration/decision.js';
import type { Pass } from '../migration/pass.js';
import type { Recording } from '../migration/recording.js';
import type { MigrationResult } from '../migration/result.js';
import { type Prediction, predict } from './prediction.js';

interface Moment {
  readonly elapsedMs: number;
  readonly passes: number;
}

export function passesOf({ entries }: Recording): Pass[] {
  return entries.flatMap((entry) => (entry.type === 'pass' ? [entry.pass] : []));
}

export function consultationsOf({ entries }: Recording): Consultation[] {
  return entries.flatMap((entry) => (entry.type === 'consultation' ? [entry.consultation] : []));
}

function observationAt(recording: Recording, passes: readonly Pass[], moment: Moment): Observation {
  return {
    ...recording.start.circumstances,
    elapsedMs: moment.elapsedMs,
    passes: passes.slice(0, moment.passes),
  };
}

/** When a policy was asked, or would have been: as it began, and at the end of each pass during which the guest ran. */
function momentsOf(recording: Recording, passes: readonly Pass[]): Moment[] {
  const recorded = consultationsOf(recording);
  if (recorded.length > 0) return recorded;
  const ends = passes
    .map(({ endMs, phase }, index) => ({ elapsedMs: endMs, passes: index + 1, phase }))
    .filter(({ phase }) => phase === 'pre-copy');
  return [{ elapsedMs: 0, passes: 0 }, ...ends];
}

/**
 * The decisions, up to the first that is not to go on. Where the recording says when a policy was asked, it is
 * asked then, and decides as it did; else as it began, at the end of each pass, and whenever it wants to be asked
 * in between.
 */
export function replay(recording: Recording, policy: Policy): Consultation[] {
  const passes = passesOf(recording);
  const moments = momentsOf(recording, passes);
  const asksItself = consultationsOf(recording).length === 0;
  const consultations: Consultation[] = [];
  let askAtMs = Number.POSITIVE_INFINITY;
  const ask = (moment: Moment) => {
    const decision = policy(observationAt(recording, passes, moment));
    const { elapsedMs, passes: count } = moment;
    consultations.push({ elapsedMs, passes: count, decision });
    const { askAgainAtMs = Number.POSITIVE_INFINITY } = decision;
    askAtMs = askAgainAtMs > elapsedMs ? askAgainAtMs : Number.POSITIVE_INFINITY;
    return decision.choice === 'go-on';
  };
  for (const moment of moments) {
    const before = { elapsedMs: askAtMs, passes: Math.max(0, moment.passes - 1) };
    if (asksItself && askAtMs < moment.elapsedMs && !ask(before)) return consultations;
    if (!ask(moment)) return consultations;
  }
  return consultations;
}

export interface Foreseen {
  /** After how many passes. */
  readonly passes: number;
  readonly predictions: readonly Prediction[];
}

export interface Happened {
  readonly totalMs: number;
  readonly downtimeMs: number | undefined;
}

export interface Foresight {
  readonly foreseen: readonly Foreseen[];
  /** What really happened. */
  readonly happened: Happened | undefined;
  /** Predictions of what was really done, each with what came of it. */
  readonly comparisons: readonly Comparison[];
}

/** A prediction beside what happened: of going on where nobody intervened, else of the choice that was made. */
export interface Comparison {
  /** After how many passes. */
  readonly passes: number;
  readonly predicted: Prediction;
  /** Bytes are those sent from then on. */
  readonly happened: Happened & { readonly bytes: number };
}

function resultOf({ entries }: Recording): MigrationResult | undefined {
  const end = entries.findLast((entry) => entry.type === 'end');
  return end?.type === 'end' ? end.result : undefined;
}

/** Only what was done can be compared; a migration that did not arrive tells nothing of how it would have. */
function compare(
  recording: Recording,
  foreseen: readonly Foreseen[],
  result: MigrationResult | undefined,
): Comparison[] {
  if (result?.outcome !== 'completed') return [];
  const passes = passesOf(recording);
  const acted = consultationsOf(recording).find(({ decision }) => decision.choice !== 'go-on');
  const done = acted?.decision.choice ?? 'go-on';
  return foreseen.flatMap(({ passes: count, predictions }) => {
    const predicted = predictions.find(({ choice }) => choice === done);
    if (!predicted || (acted && count !== acted.passes)) return [];
    const before = passes.slice(0, count).reduce((sum, { sentBytes }) => sum + sentBytes, 0);
    const { totalMs, downtimeMs, bytes } = result;
    const happened = { totalMs, downtimeMs, bytes: bytes.total - before };
    return [{ passes: count, predicted, happened }];
  });
}

/** What would have been predicted after each pass, beside what happened. */
export function foresee(recording: Recording): Foresight {
  const passes = passesOf(recording);
  const foreseen = momentsOf(recording, passes).flatMap((moment) => {
    const outlook = predict(observationAt(recording, passes, moment));
    return outlook ? [{ passes: moment.passes, predictions: outlook.predictions }] : [];
  });
  const result = resultOf(recording);
  const happened = result && { totalMs: result.totalMs, downtimeMs: result.downtimeMs };
  return { foreseen, happened, comparisons: compare(recording, foreseen, result) };
}
