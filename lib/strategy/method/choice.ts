// What was chosen, by whom, and why.
import type { MoveMethod, MovePrediction } from '../../site/move.js';

/** What can be done with a VM. */
export interface Possible {
  /** Whether it can go on in post-copy. */
  readonly postCopy: boolean;
  /** Why not, as the end of a sentence. */
  readonly whyNoPostCopy: string;
  /** The fingerprint algorithm by which its fake dirty pages can be skipped; left out: its QEMU has no filter. */
  readonly hash?: string | undefined;
}

/** Who can choose. */
export const choosers = ['cheapest', 'walm', 'effective-walm'] as const;

/** Who chose. */
export type Chooser = (typeof choosers)[number];

/** A method that was not chosen. */
export interface RejectedMethod {
  /** The method. */
  readonly method: MoveMethod;
  /** Why not, in a sentence with numbers. */
  readonly reason: string;
  /** What it is predicted to cost. */
  readonly predicted: MovePrediction;
}

/** What was chosen. */
export interface MethodChoice {
  /** Who chose. */
  readonly by: Chooser;
  /** What was chosen. */
  readonly method: MoveMethod;
  /** Why, in a sentence with numbers. */
  readonly reason: string;
  /** The numbers behind it, for programs. */
  readonly numbers: Readonly<Record<string, number>>;
  /** What it is predicted to cost, where that was asked. */
  readonly predicted?: MovePrediction | undefined;
  /** What else was weighed. */
  readonly rejected?: readonly RejectedMethod[] | undefined;
}
