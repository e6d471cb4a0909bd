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

export function percentText(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

export function bytesText(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(2)} GB`;
  if (bytes >= 1e6) return `${(bytes / 1e6).toFixed(1)} MB`;
  return `${(bytes / 1e3).toFixed(0)} kB`;
}

export function timeText(ms: number): string {
  if (!Number.isFinite(ms)) return 'for ever';
  return ms >= 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms)} ms`;
}
