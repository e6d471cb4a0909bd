// Chooses what serves a goal best, by the prediction that knows of fake dirty pages.
import type { Choice, Decision, Observation, Policy } from '../migration/decision.js';
import { bytesText, decide, type Numbers, percentText, timeText } from './decide.js';
import { type Prediction, predict } from './prediction.js';

export interface FakeAwareOptions {
  /** What to have least of, among the choices that keep to the downtime. */
  readonly goal?: 'fewest-bytes' | 'shortest-total-time';
  /** The downtime that is acceptable; default: what QEMU is set to. */
  readonly downtimeMs?: number;
  /** What to do when no choice keeps to it; default: go on. */
  readonly otherwise?: Choice;
}

const leastPasses = 2;

function cost(goal: FakeAwareOptions['goal'], { bytes, totalMs }: Prediction): number {
  return goal === 'shortest-total-time' ? totalMs.expected : bytes.expected;
}

function numbersOf(predictions: readonly Prediction[]): Numbers {
  const entries = predictions.flatMap(({ choice, totalMs, downtimeMs, bytes, remainingPasses }) => [
    [`${choice} totalMs`, totalMs.expected],
    [`${choice} totalMs low`, totalMs.low],
    [`${choice} totalMs high`, totalMs.high],
    [`${choice} downtimeMs`, downtimeMs.expected],
    [`${choice} downtimeMs high`, downtimeMs.high],
    [`${choice} bytes`, bytes.expected],
    [`${choice} remainingPasses`, remainingPasses.expected],
  ]);
  return Object.fromEntries(entries) as Numbers;
}

function sentence({ choice, totalMs, downtimeMs, bytes }: Prediction): string {
  const between = `${timeText(totalMs.low)} to ${timeText(totalMs.high)}`;
  return (
    `"${choice}" should end after ${timeText(totalMs.expected)} (${between}), cost ` +
    `${bytesText(bytes.expected)} more and a downtime of ${timeText(downtimeMs.expected)}`
  );
}

/** Going on can be thought over a pass later; the others must keep to the downtime at their worst. */
function keepsTo(downtimeMs: number, prediction: Prediction): boolean {
  const { choice, downtimeMs: predicted, totalMs } = prediction;
  if (!Number.isFinite(totalMs.expected)) return false;
  return (choice === 'go-on' ? predicted.expected : predicted.high) <= downtimeMs;
}

function cheapest(
  predictions: readonly Prediction[],
  goal: FakeAwareOptions['goal'],
): Prediction | undefined {
  return predictions.reduce<Prediction | undefined>(
    (least, each) => (least && cost(goal, least) <= cost(goal, each) ? least : each),
    undefined,
  );
}

export function fakeAware({
  goal = 'fewest-bytes',
  downtimeMs,
  otherwise = 'go-on',
}: FakeAwareOptions = {}): Policy {
  return (observation: Observation): Decision => {
    const wantedMs = downtimeMs ?? observation.downtimeLimitMs;
    const outlook = predict(observation);
    const count = observation.passes.at(-1)?.number ?? 0;
    if (!outlook || count < leastPasses) {
      return decide('go-on', 'Too little has been seen to predict anything.', { passes: count });
    }
    const { predictions, behaviour } = outlook;
    const numbers = {
      ...numbersOf(predictions),
      fakeSharePercent: behaviour.fakeShare * 100,
      markedPagesPerSecond: behaviour.markedPagesPerMs * 1000,
      linkBytesPerSecond: behaviour.linkBytesPerMs * 1000,
      downtimeWantedMs: wantedMs,
    };
    const fake = `${percentText(behaviour.fakeShare)} of the marked pages are fake`;
    const keeping = predictions.filter((each) => keepsTo(wantedMs, each));
    const chosen = cheapest(keeping, goal);
    if (!chosen) {
      const because = `${fake}; no choice keeps to ${timeText(wantedMs)} of downtime.`;
      return decide(otherwise, because, numbers);
    }
    const hopeless = !predictions.some(
      ({ choice, totalMs }) => choice === 'go-on' && Number.isFinite(totalMs.expected),
    );
    const goalText = goal.replaceAll('-', ' ');
    const why = `the ${goalText} within ${timeText(wantedMs)} of downtime`;
    const never = hopeless ? ' Going on would never end.' : '';
    return decide(chosen.choice, `${fake}; ${sentence(chosen)}: ${why}.${never}`, numbers);
  };
}
