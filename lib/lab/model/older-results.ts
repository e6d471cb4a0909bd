// Results of migrations as runs held them before version 0.2: published results are still to be read.
import { z } from 'zod';
import { timeLimitPolicy } from '../run/stop-after.js';

const olderResult = z.looseObject({
  consultations: z.array(
    z.looseObject({
      passes: z.number(),
      decision: z.looseObject({ because: z.string(), numbers: z.record(z.string(), z.unknown()) }),
    }),
  ),
});

/** Decisions did not say who made them, but the time limit is known by the numbers that it rests on. */
function policyNameOf(numbers: Readonly<Record<string, unknown>>): string {
  const names = Object.keys(numbers).sort().join();
  return names === 'elapsedMs,limitMs,passes' ? timeLimitPolicy : 'not recorded';
}

/** A result in today's form, if it was one in the older form; anything else as it is. */
export function upgradedResult(value: unknown): unknown {
  const { success, data } = olderResult.safeParse(value);
  if (!success) return value;
  const { consultations, ...rest } = data;
  const policyEvaluations = consultations.map(
    ({ passes, decision: { because, ...decision }, ...evaluation }) => ({
      ...evaluation,
      endedPasses: passes,
      decision: { ...decision, policy: policyNameOf(decision.numbers), reason: because },
    }),
  );
  return { ...rest, policyEvaluations };
}
