// How far a migration is, in percent of its time, and how long it still takes.
//
// A migration has no fixed amount of work: what a guest writes is added to it. So the percentage is time that has passed over
// the whole time that is predicted by then, in the bad case, so that it promises no more than it keeps; the time left is that of
// the expected case. Neither ever runs backwards: a percentage that would fall stays, and a time left that would grow is
// not shown until it is again below what was shown last. Where a migration lasts longer than predicted, or does not
// converge, there is no time left, and the percentage stays.
import type { Observation, PolicyEvaluation } from '../migration/decision.js';
import type { MigrationProgress } from '../migration/options.js';
import { predict } from '../policy/prediction.js';

export interface Estimate {
  /** 0 to 99: 100 is for a migration that has ended. Undefined: nothing can be said yet. */
  readonly percent: number | undefined;
  /** Undefined: not known, or more than was thought before. */
  readonly leftMs: number | undefined;
}

const maxPercent = 99;
/** In the first pass nothing is known of those that follow: they are taken to last as long as that again. */
const afterFirstPass = 2;
/** Before that, a rate says little. */
const minMs = 200;

interface Total {
  readonly expectedMs: number;
  readonly highMs: number;
}

type Choice = 'go-on' | 'stop-now' | 'post-copy';

export class ProgressEstimator {
  #ramBytes = 0;
  #observation: Observation | undefined;
  #choice: Choice = 'go-on';
  #percent: number | undefined;
  #leftMs = Number.POSITIVE_INFINITY;

  /** The migration begins. */
  begin({ ramBytes }: { readonly ramBytes: number }): void {
    this.#ramBytes = ramBytes;
  }

  /** A pass has ended. */
  pass(observation: Observation): void {
    this.#observation = observation;
  }

  /** A policy has decided: what comes next is predicted for what it chose. */
  decided({ decision: { choice } }: PolicyEvaluation): void {
    if (choice !== 'give-up') this.#choice = choice;
  }

  estimate(progress: MigrationProgress): Estimate {
    const { elapsedMs } = progress;
    const total = this.#total(progress);
    if (!total || elapsedMs < minMs) return { percent: this.#percent, leftMs: undefined };
    if (elapsedMs < total.highMs) {
      const percent = Math.min(maxPercent, Math.floor((100 * elapsedMs) / total.highMs));
      this.#percent = Math.max(this.#percent ?? 0, percent);
    }
    const leftMs = total.expectedMs - elapsedMs;
    if (!Number.isFinite(leftMs) || leftMs < 0 || leftMs > this.#leftMs) {
      return { percent: this.#percent, leftMs: undefined };
    }
    this.#leftMs = leftMs;
    return { percent: this.#percent, leftMs };
  }

  /** How long the whole migration takes; infinite: it does not converge. */
  #total({ elapsedMs, remainingBytes }: MigrationProgress): Total | undefined {
    const predicted = this.#observation && predict(this.#observation);
    if (predicted) {
      const { predictions } = predicted;
      const chosen = predictions.find(({ choice }) => choice === this.#choice) ?? predictions[0];
      return chosen && { expectedMs: chosen.totalMs.expected, highMs: chosen.totalMs.high };
    }
    const doneBytes = this.#ramBytes - remainingBytes;
    if (this.#ramBytes === 0 || doneBytes <= 0) return undefined;
    const firstPassMs = (elapsedMs * this.#ramBytes) / doneBytes;
    return { expectedMs: afterFirstPass * firstPassMs, highMs: afterFirstPass * firstPassMs };
  }
}
