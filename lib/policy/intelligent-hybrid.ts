// WALM's intelligent hybrid, after Li et al.: when pre-copy does not converge, wait for a local minimum of dirty
// pages, and switch to post-copy there, so that post-copy has little to fetch.
import { checkOptions } from '../errors/check-options.js';
import type { Decision, Observation, Policy } from '../migration/decision.js';
import { checkNumbers, checkWord } from './check-settings.js';
import { decidingAs } from './decide.js';
import { livePasses, reallyDirtyPages } from './dirtying.js';

/** When pre-copy counts as not converging, and what to do then. */
export interface IntelligentHybridOptions {
  /** Pre-copy does not converge when a pass reduces the dirty pages by less than this; default: 1 % of memory. */
  readonly thresholdPages?: number | undefined;
  /** For how many passes to watch for a minimum; default: 3. */
  readonly watchPasses?: number | undefined;
  /** What to do where post-copy is not possible; default: `stop-now`. */
  readonly otherwise?: 'stop-now' | 'go-on' | undefined;
}

const thresholdShare = 0.01;
const decide = decidingAs('intelligent-hybrid');

interface Watch {
  /** The index of the pass that did not converge. */
  readonly since: number;
  /** How much it left. */
  readonly why: string;
}

/** The first pass after which pre-copy does not converge. */
function nonConvergence(dirty: readonly number[], threshold: number): Watch | undefined {
  for (let since = 1; since < dirty.length; since += 1) {
    const [before = 0, now = 0] = [dirty[since - 1], dirty[since]];
    const less = before - now;
    if (less < 0) return { since, why: `${now} dirty pages, after ${before}` };
    if (less < threshold) {
      const by = less === 0 ? 'as many as before' : `only ${less} fewer than before`;
      return { since, why: `${now} dirty pages, ${by} (converging: ${threshold} fewer)` };
    }
  }
  return undefined;
}

/** When pre-copy does not converge, switches to post-copy at a local minimum of dirty pages (WALM). */
export function intelligentHybrid(options: IntelligentHybridOptions = {}): Policy {
  checkOptions(options, ['thresholdPages', 'watchPasses', 'otherwise']);
  checkNumbers(options, ['thresholdPages', 'watchPasses']);
  checkWord(options, 'otherwise', ['stop-now', 'go-on']);
  const { thresholdPages, watchPasses = 3, otherwise = 'stop-now' } = options;
  return ({ passes, ramBytes, pageBytes, postcopyPossible }: Observation): Decision => {
    const threshold = thresholdPages ?? Math.ceil((ramBytes / pageBytes) * thresholdShare);
    const live = livePasses(passes);
    const dirty = live.map((pass) => Math.round(reallyDirtyPages(pass)));
    const now = dirty.at(-1) ?? 0;
    const watch = nonConvergence(dirty, threshold);
    if (!watch) {
      const numbers = { dirtyPages: now, thresholdPages: threshold };
      return decide('go-on', `Pre-copy converges so far: ${now} pages are dirty.`, numbers);
    }
    const watched = dirty.slice(watch.since);
    const minBefore = Math.min(...watched.slice(0, -1), Number.POSITIVE_INFINITY);
    const numbers = {
      dirtyPages: now,
      thresholdPages: threshold,
      watchedPasses: watched.length,
      minDirtyPages: Math.min(minBefore, now),
    };
    const story = `Pre-copy does not converge: pass ${live[watch.since]?.number} left ${watch.why}`;
    const isMinimum = now <= minBefore;
    const mayWait = watched.length <= 2 * watchPasses;
    if (watched.length < watchPasses || (!isMinimum && mayWait)) {
      return decide('go-on', `${story}; watching for a minimum, now ${now}.`, numbers);
    }
    const point = isMinimum ? `${now} dirty pages are a minimum` : 'no new minimum came in time';
    const choice = postcopyPossible ? 'post-copy' : otherwise;
    return decide(choice, `${story}; ${point}.`, numbers);
  };
}
