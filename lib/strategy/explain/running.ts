// Why a migration that runs does not come to its end, and what would help.
import { bytesText, percentText, timeText } from '../../format/text.js';
import { type Behaviour, type Prediction, predict } from '../../policy/prediction.js';

type Observed = Parameters<typeof predict>[0];

/** What is said of a running migration. */
export interface RunningExplained {
  /** Whether it is expected to end by itself. */
  readonly converges: boolean;
  /** What it does, in sentences with numbers. */
  readonly story: readonly string[];
  /** What would end it, or end it sooner, each in a sentence. */
  readonly helps: readonly string[];
}

const msPerSecond = 1000;

/** Whether the filter looks at what is marked. */
function isFiltered({ passes }: Observed): boolean {
  return passes.some(({ verdicts }) => verdicts);
}

function rates({ pageBytes }: Observed, behaviour: Behaviour) {
  const { markedPagesPerMs, workingSetPages, fakeShare, linkBytesPerMs } = behaviour;
  const marked = markedPagesPerMs * pageBytes * msPerSecond;
  return {
    marked,
    changed: marked * (1 - fakeShare),
    link: linkBytesPerMs * msPerSecond,
    workingSet: workingSetPages * pageBytes,
  };
}

function storyOf(observation: Observed, behaviour: Behaviour): string[] {
  const { marked, changed, link, workingSet } = rates(observation, behaviour);
  const { fakeShare } = behaviour;
  const fake = isFiltered(observation)
    ? `, of which ${percentText(fakeShare)} is fake`
    : '; how much of that is fake nobody looks at, since the filter is off';
  const compared =
    changed >= link
      ? `at least as much as the ${bytesText(link)} a second that are sent`
      : `${percentText(changed / link)} of the ${bytesText(link)} a second that are sent`;
  return [
    `Its guest marks ${bytesText(marked)} a second, up to ${bytesText(workingSet)} in all${fake}.`,
    `${bytesText(changed)} a second have to be sent again: ${compared}.`,
  ];
}

function of(predictions: readonly Prediction[], choice: Prediction['choice']) {
  return predictions.find((each) => each.choice === choice);
}

function helpsOf(
  observation: Observed,
  behaviour: Behaviour,
  predictions: readonly Prediction[],
): string[] {
  const { bandwidthLimitBytesPerSecond: limit, downtimeLimitMs } = observation;
  const { changed, link } = rates(observation, behaviour);
  const stop = of(predictions, 'stop-now');
  const postCopy = of(predictions, 'post-copy');
  return [
    ...(stop && stop.downtimeMs.expected > downtimeLimitMs
      ? [
          `A downtime limit of ${timeText(stop.downtimeMs.high)} instead of ${timeText(downtimeLimitMs)}: it could end at once.`,
        ]
      : []),
    ...(postCopy
      ? [
          `Post-copy: it would end ${timeText(postCopy.totalMs.expected - observation.elapsedMs)} from now.`,
        ]
      : ['Post-copy is not possible: its capability was not set before it began.']),
    ...(limit > 0 && link > 0.75 * limit
      ? [
          `More bandwidth: it is limited to ${bytesText(limit)} a second, and more than ${bytesText(changed)} are needed.`,
        ]
      : []),
    ...(isFiltered(observation)
      ? []
      : ['The filter: pages that do not really change would not be sent again.']),
    'Auto-converge: it slows the guest down until it writes less than is sent.',
  ];
}

/** Explains a running migration; undefined as long as no pass has ended. */
export function explainRunning(observation: Observed): RunningExplained | undefined {
  const found = predict(observation);
  if (!found) return undefined;
  const { behaviour, predictions } = found;
  const goOn = of(predictions, 'go-on');
  const story = storyOf(observation, behaviour);
  if (goOn && Number.isFinite(goOn.totalMs.expected)) {
    const { totalMs, downtimeMs } = goOn;
    const left = timeText(Math.max(0, totalMs.expected - observation.elapsedMs));
    const end = `It converges: about ${left} are left, and ${timeText(downtimeMs.expected)} of downtime.`;
    const mayNot = Number.isFinite(totalMs.high) ? [] : ['In the bad case it does not.'];
    return { converges: true, story: [...story, end, ...mayNot], helps: [] };
  }
  return {
    converges: false,
    story: [...story, 'It does not converge: each pass leaves about as much as the one before.'],
    helps: helpsOf(observation, behaviour, predictions),
  };
}
