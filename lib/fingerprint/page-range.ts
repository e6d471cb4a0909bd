// A range of pages out of many.
import { constants } from 'node:buffer';
import { checkOptions } from '../errors/check-options.js';
import { OptionError } from '../errors/option-error.js';
import { shown } from '../errors/shown.js';

/** Which pages. */
export interface PageRange {
  /** The number of the first page; default: 0. */
  readonly first?: number | undefined;
  /** How many pages; default: all from the first on. */
  readonly pages?: number | undefined;
}

const rangeNames = ['first', 'pages'] as const;

/** A range with both its numbers. */
export type CheckedRange = Required<Record<keyof PageRange, number>>;

/** A range that a caller gives. */
export function pagesWithin(all: number, range: PageRange): CheckedRange {
  checkOptions(range, rangeNames, 'range');
  return rangeWithin(all, range);
}

/** The range of options whose names were checked. No schema: it is checked in calls of a microsecond. */
export function rangeWithin(all: number, range: PageRange): CheckedRange {
  const { first = 0, pages = typeof first === 'number' ? all - first : Number.NaN } = range;
  const isRange = Number.isSafeInteger(first) && Number.isSafeInteger(pages);
  if (isRange && first >= 0 && pages >= 0 && first + pages <= all) return { first, pages };
  throw new OptionError(
    'first',
    `no such pages: ${shown(pages)} from ${shown(first)} on, of ${all}`,
  );
}

/** Refuses more pages than one buffer can answer for, of which each takes so many bytes. */
export function checkAnswer(pages: number, bytesEach: number): void {
  const most = Math.floor(constants.MAX_LENGTH / bytesEach);
  if (pages <= most) return;
  const problem = `is ${pages}; one answer holds ${most} at most: ask for fewer at a time, from \`first\` on`;
  throw new OptionError('pages', problem);
}
