// How policies word their decisions.
import type { Choice, Decision } from '../migration/decision.js';

export type Numbers = Readonly<Record<string, number>>;

/** Makes decisions in the name of a policy. */
export type Decide = (
  choice: Choice,
  reason: string,
  numbers: Numbers,
  askAgainAtMs?: number,
) => Decision;

/** A function that makes decisions in the name of this policy. */
export function decidingAs(policy: string): Decide {
  return (choice, reason, numbers, askAgainAtMs) => {
    // JSON has no infinity: such a number becomes null.
    const finite = Object.entries(numbers).map(([name, value]) => [
      name,
      Number.isFinite(value) ? value : null,
    ]);
    return {
      choice,
      policy,
      reason,
      numbers: Object.fromEntries(finite),
      ...(askAgainAtMs === undefined ? {} : { askAgainAtMs }),
    };
  };
}
