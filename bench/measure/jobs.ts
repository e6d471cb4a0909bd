// What a child process is asked to measure, and what it returns.
import type { AlgorithmName } from '../../lib/index.js';
import type { Contents } from '../contents.js';
import type { ImplementationName } from '../implementations/implementation.js';

/** One implementation on one kind of pages. */
export interface CaseJob {
  readonly kind: 'case';
  readonly implementation: ImplementationName;
  readonly contents: Contents;
  readonly pageSizeBytes: number;
  readonly samplingMs: number;
}

/** Pages in the second cache, or more than the last one holds. */
export type Place = 'cache' | 'memory';

/** How a side of a pair is called. */
export type Side =
  | { readonly call: 'native'; readonly algorithm: AlgorithmName; readonly pagesPerCall: number }
  | {
      readonly call: 'fakedirty';
      readonly algorithm: AlgorithmName;
      readonly pagesPerCall: number;
      /** Digests go where the last ones were, as in the native benchmark. */
      readonly reuseDigests: boolean;
      /** Ranges of the window instead of a view for each call. */
      readonly inRanges: boolean;
    }
  | { readonly call: 'package'; readonly implementation: ImplementationName };

/** Two sides that take turns in one process, so that whatever disturbs them disturbs both. */
export interface PairJob {
  readonly kind: 'pair';
  readonly ours: Side;
  readonly other: Side;
  readonly place: Place;
  readonly samplingMs: number;
}

export type Job = CaseJob | PairJob;

export interface CaseAnswer {
  readonly nsPerPage: number;
  readonly pagesPerCall: number;
}

/** Medians of all turns. */
export interface PairAnswer {
  /** How many times as fast ours is. */
  readonly ratio: number;
  /** How many nanoseconds a page more ours takes. */
  readonly moreNsPerPage: number;
}

export type AnswerTo<Asked extends Job> = Asked extends CaseJob ? CaseAnswer : PairAnswer;

export type Reply<Asked extends Job> =
  | { readonly answer: AnswerTo<Asked> }
  | { readonly problem: string };
