// Acts on a migration that makes no headway for a while, as KubeVirt does: what is left at the end of each pass is watched
// over a sliding window, and the end comes where little is left.
import { checkOptions } from '../errors/check-options.js';
import { OptionError } from '../errors/option-error.js';
import { timeText } from '../format/text.js';
import type { Decision, Observation, Policy } from '../migration/decision.js';
import { checkNumbers, checkWord } from './check-settings.js';
import { decidingAs } from './decide.js';
import { livePasses, reallyDirtyPages } from './dirtying.js';

/** When a migration counts as stalled, and what to do then. */
export interface StallOptions {
  /** For how long nothing has to be gained; default: 40 s. */
  readonly windowMs?: number | undefined;
  /** What counts as a gain, as a share of what was left at best before, in percent; default: 4. */
  readonly marginPercent?: number | undefined;
  /** What to do where post-copy is not possible; default: `stop-now`. */
  readonly otherwise?: 'stop-now' | 'go-on' | 'give-up' | undefined;
}

/** For how much of the window it waits for a minimum, once nothing is gained. */
const waitShare = 0.25;
const decide = decidingAs('stall');

interface Left {
  readonly atMs: number;
  readonly pages: number;
}

function fewest(all: readonly Left[]): number {
  return Math.min(...all.map(({ pages }) => pages));
}

/** The fewest pages left within the last window and before it; undefined as long as nothing lies before it. */
function bestOf(left: readonly Left[], windowMs: number) {
  const sinceMs = (left.at(-1)?.atMs ?? 0) - windowMs;
  const before = left.filter(({ atMs }) => atMs <= sinceMs);
  const within = left.filter(({ atMs }) => atMs > sinceMs);
  return before.length > 0 ? { best: fewest(within), bestBefore: fewest(before) } : undefined;
}

/** Switches to post-copy, or stops the guest, once a window of time has gained nothing (KubeVirt's stall detection). */
export function stall(options: StallOptions = {}): Policy {
  checkOptions(options, ['windowMs', 'marginPercent', 'otherwise']);
  checkNumbers(options, ['windowMs', 'marginPercent']);
  checkWord(options, 'otherwise', ['stop-now', 'go-on', 'give-up']);
  const { windowMs = 40_000, marginPercent = 4, otherwise = 'stop-now' } = options;
  if (marginPercent >= 100) {
    throw new OptionError('marginPercent', `is ${marginPercent}; expected less than 100`);
  }
  const kept = 1 - marginPercent / 100;
  return ({ passes, postcopyPossible }: Observation): Decision => {
    const left = livePasses(passes).map(
      (pass): Left => ({ atMs: pass.endMs, pages: Math.round(reallyDirtyPages(pass)) }),
    );
    const now = left.at(-1);
    const found = bestOf(left, windowMs);
    const numbers = { dirtyPages: now?.pages ?? 0, windowMs, marginPercent };
    if (!now || !found) {
      return decide('go-on', `It has not run for ${timeText(windowMs)} yet.`, numbers);
    }
    const { best, bestBefore } = found;
    const told = { ...numbers, bestDirtyPages: best, bestBeforeDirtyPages: bestBefore };
    if (best < bestBefore * kept) {
      const reason = `The last ${timeText(windowMs)} gained: ${best} dirty pages are left at best, after ${bestBefore}.`;
      return decide('go-on', reason, told);
    }
    const story = `The last ${timeText(windowMs)} gained nothing: ${best} dirty pages were left at best, after ${bestBefore}`;
    const stalledForMs = now.atMs - stalledSinceMs(left, windowMs, kept);
    const isMinimum = now.pages * kept <= best;
    if (!isMinimum && stalledForMs < windowMs * waitShare) {
      return decide('go-on', `${story}; waiting for fewer than ${now.pages}.`, told);
    }
    const choice = postcopyPossible ? 'post-copy' : otherwise;
    return decide(choice, `${story}; now ${now.pages} are left.`, told);
  };
}

/** At the end of which pass nothing had been gained for a whole window, for the first time since something was. */
function stalledSinceMs(left: readonly Left[], windowMs: number, kept: number): number {
  let sinceMs: number | undefined;
  for (const [at, { atMs }] of left.entries()) {
    const found = bestOf(left.slice(0, at + 1), windowMs);
    const isStalled = found !== undefined && found.best >= found.bestBefore * kept;
    sinceMs = isStalled ? (sinceMs ?? atMs) : undefined;
  }
  return sinceMs ?? left.at(-1)?.atMs ?? 0;
}
