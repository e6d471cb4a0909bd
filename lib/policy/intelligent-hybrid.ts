// WALM's intelligent hybrid, after Li et al.: see that pre-copy does not converge, wait for a local minimum of
// dirty pages, and switch to post-copy there, so that post-copy has little to fetch.
import type { Decision, Observation, Policy } from '../migration/decision.js';
import { decide } from './decide.js';
import { livePasses, reallyDirtyPages } from './dirtying.js';

export interface IntelligentHybridOptions {
  /** A pass that leaves fewer pages less than that to send does not converge; default 1 % of memory. */
  readonly thresholdPages?: number;
  /** For how many passes to watch for a minimum; default 3. */
  readonly watchPasses?: number;
  /** Where post-copy is not possible; default: stop and copy. */
  readonly otherwise?: 'stop-now' | 'go-on';
}

const thresholdShare = 0.01;

interface Watch {
  /** The index of the pass that did not converge. */
  readonly since: number;
  readonly why: string;
}

/** The first pass after which pre-copy no longer converges. */
function nonConvergence(dirty: readonly number[], threshold: number): Watch | undefined {
  for (let since = 1; since < dirty.length; since += 1) {
    const [before = 0, now = 0] = [dirty[since - 1], dirty[since]];
    if (now > before) return { since, why: `rose from ${before} to ${now} dirty pages` };
    if (before - now < threshold) {
      return { since, why: `fell by ${before - now} dirty pages, fewer than ${threshold}` };
    }
  }
  return undefined;
}

export function intelligentHybrid({
  thresholdPages,
  watchPasses = 3,
  otherwise = 'stop-now',
}: IntelligentHybridOptions = {}): Policy {
  return ({ passes, ramBytes, pageBytes, postcopyPossible }: Observation): Decision => {
    const threshold = thresholdPages ?? Math.ceil((ramBytes / pageBytes) * thresholdShare);
    const dirty = livePasses(passes).map((pass) => Math.round(reallyDirtyPages(pass)));
    const now = dirty.at(-1) ?? 0;
    const watch = nonConvergence(dirty, threshold);
    if (!watch) {
      const numbers = { dirtyPages: now, thresholdPages: threshold };
      return decide('go-on', `Pre-copy converges so far: ${now} pages are dirty.`, numbers);
    }
    const watched = dirty.slice(watch.since);
    const least = Math.min(...watched.slice(0, -1), Number.POSITIVE_INFINITY);
    const numbers = {
      dirtyPages: now,
      thresholdPages: threshold,
      watchedPasses: watched.length,
      leastDirtyPages: Math.min(least, now),
    };
    const story = `Pre-copy does not converge (pass ${watch.since + 1} ${watch.why})`;
    const isMinimum = now <= least;
    const patient = watched.length <= 2 * watchPasses;
    if (watched.length < watchPasses || (!isMinimum && patient)) {
      return decide('go-on', `${story}; watching for a minimum, now ${now}.`, numbers);
    }
    const point = isMinimum ? `${now} dirty pages are a minimum` : 'no new minimum came in time';
    const choice = postcopyPossible ? 'post-copy' : otherwise;
    return decide(choice, `${story}, and ${point}.`, numbers);
  };
}
