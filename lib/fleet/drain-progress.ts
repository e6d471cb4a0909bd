// How far a drain is: work done over work predicted, and the time left at the speed so far. Neither runs backwards:
// what would is not shown until it is again beyond what was shown last.
import type { Move } from '../site/move.js';

/** How far a drain is. */
export interface DrainPosition {
  /** 0 to 99: 100 is for a drain that has ended. */
  readonly percent: number;
  /** Undefined: not known, or more than was thought before. */
  readonly leftMs: number | undefined;
}

const maxPercent = 99;
/** A move that sends more than was predicted is not done yet. */
const maxShare = 0.99;
/** A move has work to do however small its memory is. */
const leastWork = 1;

function workOf({ predicted }: Move): number {
  return Math.max(leastWork, predicted.bytes.expected);
}

export class DrainProgress {
  readonly #moves: readonly Move[];
  readonly #beganMs: number;
  #percent = 0;
  #leftMs = Number.POSITIVE_INFINITY;

  /** `beganMs`: when this process began to carry it out, by the same clock as below. */
  constructor(moves: readonly Move[], beganMs: number) {
    this.#moves = moves;
    this.#beganMs = beganMs;
  }

  /** After so many moves have ended, and so many bytes of the next one were sent. */
  position(ended: number, sentBytes: number, nowMs: number): DrainPosition {
    const total = this.#moves.reduce((sum, move) => sum + workOf(move), 0);
    const before = this.#moves.slice(0, ended).reduce((sum, move) => sum + workOf(move), 0);
    const next = this.#moves[ended];
    const part = next ? Math.min(sentBytes, maxShare * workOf(next)) : 0;
    const share = total > 0 ? (before + part) / total : 0;
    this.#percent = Math.max(this.#percent, Math.min(maxPercent, Math.floor(100 * share)));
    const leftMs = share > 0 ? ((nowMs - this.#beganMs) / share) * (1 - share) : undefined;
    if (leftMs === undefined || leftMs > this.#leftMs) {
      return { percent: this.#percent, leftMs: undefined };
    }
    this.#leftMs = leftMs;
    return { percent: this.#percent, leftMs };
  }
}
