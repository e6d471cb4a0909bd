// Chooses how a VM is migrated, before it is.
import { checkObject, checkOptions, optionNames } from '../../errors/check-options.js';
import { OptionError } from '../../errors/option-error.js';
import { shown } from '../../errors/shown.js';
import { checkNumbers, checkWord } from '../../policy/check-settings.js';
import type { VmMeasurement } from '../../site/measurement.js';
import { cheapest, type Goal, goals } from './cheapest.js';
import { type Chooser, choosers, type MethodChoice } from './choice.js';
import { type MethodOptions, methodOptions } from './method-options.js';
import { type Thresholds, usualThresholds } from './nature.js';
import { effectiveWalm, walm } from './walm.js';

/** The only one that is chosen unasked: fast, and its collisions are bounded. */
const usualHash = 'ph128';

/** What a method is chosen by. */
export interface ChooseMethodOptions {
  /** How fast the way to the destination is. */
  readonly linkBytesPerSecond: number;
  /** Who chooses; default: `cheapest`. */
  readonly by?: Chooser | undefined;
  /** What the cheapest costs least of: a word, or weights; default: `time`. */
  readonly goal?: keyof typeof goals | Goal | undefined;
  /** From when on WALM calls a VM intensive. */
  readonly thresholds?: Thresholds | undefined;
  /** Whether the VM can go on in post-copy; default: true. */
  readonly postCopyPossible?: boolean | undefined;
  /** Why it can't, as the end of a sentence. */
  readonly whyNoPostCopy?: string | undefined;
  /** Whether its QEMU has the filter; default: true. */
  readonly filterPossible?: boolean | undefined;
  /** Whether the source may fail midway: post-copy is chosen by nobody then but WALM. Default: false. */
  readonly sourceIsFailing?: boolean | undefined;
  /** The downtime limit; default: 300 ms. */
  readonly downtimeLimitMs?: number | undefined;
}

const names = optionNames<ChooseMethodOptions>({
  linkBytesPerSecond: true,
  by: true,
  goal: true,
  thresholds: true,
  postCopyPossible: true,
  whyNoPostCopy: true,
  filterPossible: true,
  sourceIsFailing: true,
  downtimeLimitMs: true,
});

/** A choice, with what `migrate()` is told for it. */
export interface ChosenMethod extends MethodChoice {
  /** For `migrate()` and `startMigration()`, beside where to. */
  readonly options: MethodOptions<typeof usualHash>;
}

function goalOf(goal: ChooseMethodOptions['goal'] = 'time'): Goal {
  if (typeof goal === 'string') {
    checkWord({ goal }, 'goal', Object.keys(goals));
    return goals[goal];
  }
  checkOptions(goal, ['time', 'bytes', 'downtime'], 'goal');
  checkNumbers(goal, ['time', 'bytes', 'downtime'], true);
  const { time, bytes, downtime } = goal;
  if (time + bytes + downtime > 0) return goal;
  throw new OptionError('goal', `is ${shown(goal)}; expected one weight above 0 at least`);
}

function thresholdsOf(thresholds: Thresholds = usualThresholds): Thresholds {
  checkOptions(thresholds, ['memoryShare', 'networkShare'], 'thresholds');
  checkNumbers(thresholds, ['memoryShare', 'networkShare'], true);
  return thresholds;
}

/** Chooses how to migrate a VM of which this was measured. */
export function chooseMethod(
  measurement: VmMeasurement,
  options: ChooseMethodOptions,
): ChosenMethod {
  checkObject('measurement', measurement, 'what was measured of a VM');
  checkOptions(options, names);
  checkNumbers(options, ['linkBytesPerSecond'], true);
  checkNumbers(options, ['downtimeLimitMs']);
  checkWord(options, 'by', choosers);
  const { linkBytesPerSecond, by = 'cheapest', downtimeLimitMs } = options;
  const { postCopyPossible = true, filterPossible = true, sourceIsFailing = false } = options;
  if (linkBytesPerSecond === 0) {
    throw new OptionError('linkBytesPerSecond', 'is 0; expected bytes a second');
  }
  const path = { bytesPerSecond: linkBytesPerSecond };
  const possible = {
    postCopy: postCopyPossible,
    whyNoPostCopy: options.whyNoPostCopy ?? 'post-copy is not possible',
    ...(filterPossible ? { hash: usualHash } : {}),
  };
  const thresholds = thresholdsOf(options.thresholds);
  const goal = goalOf(options.goal);
  const choice = {
    walm: () => walm(measurement, { path, possible, thresholds }),
    'effective-walm': () => effectiveWalm(measurement, { path, possible, thresholds }),
    cheapest: () =>
      cheapest(measurement, { path, possible, goal, sourceIsFailing, downtimeLimitMs }),
  }[by]();
  return { ...choice, options: methodOptions({ ...choice.method, downtimeLimitMs }) };
}
