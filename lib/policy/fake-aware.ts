// Chooses what serves a goal best, by predictions that take fake dirty pages into account.

import { checkOptions } from '../errors/check-options.js';
import { bytesText, percentText, timeText } from '../format/text.js';
import {
  type Choice,
  choices,
  type Decision,
  type Observation,
  type Policy,
} from '../migration/decision.js';
import { checkNumbers, checkWord } from './check-settings.js';
import { decidingAs, type Numbers } from './decide.js';
import { type Prediction, predict } from './prediction.js';

/** What to aim for. */
export interface FakeAwareOptions {
  /** What to minimise among the choices that keep to the downtime; default: `fewest-bytes`. */
  readonly goal?: 'fewest-bytes' | 'shortest-total-time' | undefined;
  /** The acceptable downtime; default: QEMU's downtime limit. */
  readonly downtimeMs?: number | undefined;
  /** What to do when no choice keeps to the downtime; default: `go-on`. */
  readonly otherwise?: Choice | undefined;
}

const minPasses = 2;
const decide = decidingAs('fake-aware');

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

/** Going on can be reconsidered a pass later; the others must keep to the downtime at their worst. */
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
    (best, each) => (best && cost(goal, best) <= cost(goal, each) ? best : each),
    undefined,
  );
}

/** Predicts what each choice would cost, and takes the best one that keeps to the downtime. */
export function fakeAware(options: FakeAwareOptions = {}): Policy {
  checkOptions(options, ['goal', 'downtimeMs', 'otherwise']);
  checkWord(options, 'goal', ['fewest-bytes', 'shortest-total-time']);
  checkNumbers(options, ['downtimeMs']);
  checkWord(options, 'otherwise', choices);
  const { goal = 'fewest-bytes', downtimeMs, otherwise = 'go-on' } = options;
  return (observation: Observation): Decision => {
    const wantedMs = downtimeMs ?? observation.downtimeLimitMs;
    const predicted = predict(observation);
    const count = observation.passes.at(-1)?.number ?? 0;
    if (!predicted || count < minPasses) {
      return decide('go-on', 'Too few passes have ended to predict anything.', { passes: count });
    }
    const { predictions, behaviour } = predicted;
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
      const reason = `${fake}; no choice keeps to ${timeText(wantedMs)} of downtime.`;
      return decide(otherwise, reason, numbers);
    }
    const neverEnds = !predictions.some(
      ({ choice, totalMs }) => choice === 'go-on' && Number.isFinite(totalMs.expected),
    );
    const goalText = goal.replaceAll('-', ' ');
    const why = `the ${goalText} within ${timeText(wantedMs)} of downtime`;
    const never = neverEnds ? ' Going on would never end.' : '';
    return decide(chosen.choice, `${fake}; ${sentence(chosen)}: ${why}.${never}`, numbers);
  };
}
