// Recorded migrations of real guests: what is predicted after each pass, compared with what happened.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseRecording } from '../../lib/migration/recording.js';
import { parsePolicies } from '../../lib/policy/named.js';
import {
  evaluatePredictions,
  type PredictionComparison,
  policyEvaluationsOf,
  replay,
} from '../../lib/policy/replay.js';

function recordingNamed(name: string) {
  const file = new URL(`recordings/${name}.jsonl`, import.meta.url);
  return parseRecording(readFileSync(file, 'utf8'));
}

/** With the policy that was asked. */
const recordings: [
  name: string,
  policy: string,
  choice: PredictionComparison['predicted']['choice'],
][] = [
  // A guest that writes 8 MiB without end, over 16 MiB/s.
  ['stopped', 'adaptive-stop:limit=300', 'stop-now'],
  ['post-copy', 'intelligent-hybrid:watch=2', 'post-copy'],
  // One that writes the values that are there, with the filter.
  ['fake', 'give-up:after=60s', 'go-on'],
  // One that writes slowly, over 8 MiB/s: it ends by itself.
  ['converges', 'give-up:after=40s', 'go-on'],
];

describe.each(recordings)('the recording "%s"', (name, policy, choice) => {
  const recording = recordingNamed(name);
  const { comparisons, actual, predictions } = evaluatePredictions(recording);

  it('has predictions of what was done', () => {
    expect(actual?.totalMs).toBeGreaterThan(1000);
    expect(comparisons.length).toBeGreaterThan(0);
    expect(new Set(comparisons.map(({ predicted }) => predicted.choice))).toEqual(
      new Set([choice]),
    );
  });

  it('ended within the error bars, near the expected values', () => {
    for (const { predicted, actual: real } of comparisons) {
      expect(real.totalMs).toBeGreaterThanOrEqual(predicted.totalMs.low);
      expect(real.totalMs).toBeLessThanOrEqual(predicted.totalMs.high);
      expect(real.downtimeMs).toBeGreaterThanOrEqual(predicted.downtimeMs.low);
      expect(real.downtimeMs).toBeLessThanOrEqual(predicted.downtimeMs.high);
      // Before the filter has seen a page twice, a prediction says that it knows nothing.
      if (!Number.isFinite(predicted.totalMs.high)) continue;
      expect(Math.abs(predicted.totalMs.expected / real.totalMs - 1)).toBeLessThan(0.15);
      expect(predicted.bytes.expected / real.bytes).toBeGreaterThan(0.5);
      expect(predicted.bytes.expected / real.bytes).toBeLessThan(2);
    }
  });

  it('is replayed to the same decisions', () => {
    expect(replay(recording, parsePolicies([policy]))).toEqual(policyEvaluationsOf(recording));
  });

  it('has no prediction of an end where the guest does not converge', () => {
    const goingOn = predictions
      .slice(2)
      .flatMap(({ predictions: made }) => made.filter((each) => each.choice === 'go-on'));
    for (const { totalMs } of goingOn) {
      if (choice === 'go-on') expect(Number.isFinite(totalMs.expected)).toBe(true);
      else expect(totalMs.expected).toBe(Number.POSITIVE_INFINITY);
    }
  });
});
