// What a policy decides on a recorded migration: pure, like the policies.
import type { Consultation, Observation, Policy } from '../migration/decision.js';
import type { Pass } from '../migration/pass.js';
import type { Recording } from '../migration/recording.js';
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

/** When a policy was asked, or would have been: at the end of each pass during which the guest ran. */
function momentsOf(recording: Recording, passes: readonly Pass[]): Moment[] {
  const recorded = consultationsOf(recording);
  if (recorded.length > 0) return recorded;
  return passes
    .map(({ endMs, phase }, index) => ({ elapsedMs: endMs, passes: index + 1, phase }))
    .filter(({ phase }) => phase === 'pre-copy');
}

/**
 * The decisions, up to the first that is not to go on. Where the recording says when a policy was asked, it is
 * asked then, and decides as it did; else at the end of each pass, and whenever it wants to be asked in between.
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

export interface Foresight {
  readonly foreseen: readonly Foreseen[];
  /** What really happened. */
  readonly happened:
    | { readonly totalMs: number; readonly downtimeMs: number | undefined }
    | undefined;
}

/** What would have been predicted after each pass, beside what happened. */
export function foresee(recording: Recording): Foresight {
  const passes = passesOf(recording);
  const foreseen = momentsOf(recording, passes).flatMap((moment) => {
    const outlook = predict(observationAt(recording, passes, moment));
    return outlook ? [{ passes: moment.passes, predictions: outlook.predictions }] : [];
  });
  const end = recording.entries.findLast((entry) => entry.type === 'end');
  if (end?.type !== 'end') return { foreseen, happened: undefined };
  const { totalMs, downtimeMs } = end.result;
  return { foreseen, happened: { totalMs, downtimeMs } };
}
