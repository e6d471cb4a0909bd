// Two runs beside each other: which rows became faster or slower, and where noise forbids to say.

import { median, ratioOf } from '../../lib/statistics/samples.js';
import type { Row, Run } from './schema.js';

export const verdicts = ['faster', 'slower', 'no difference seen', 'too few rounds'] as const;

export type Change = (typeof verdicts)[number];

export interface ComparedRow {
  readonly row: Row;
  /** How many times as fast as before. */
  readonly ratio: number;
  /** It lies between these, in 99 of 100 cases. */
  readonly atLeast: number;
  readonly atMost: number;
  readonly change: Change;
}

export interface Comparison {
  readonly rows: readonly ComparedRow[];
  /** Rows that only one of the runs has. */
  readonly onlyBefore: number;
  readonly onlyNow: number;
  /** How many times as fast the other packages became: they did not change, so the machine did. */
  readonly othersRatio: number | null;
}

/** Less than this comes and goes with where memory happens to lie; nobody should act on it. */
const minDifference = 0.02;

export function rowKey(row: Row): string {
  const { algorithm, package: from, mode, contents, pageSizeBytes } = row;
  return [algorithm, from, mode, contents, pageSizeBytes].join(' ');
}

function changeOf(ratio: number, atLeast: number, atMost: number): Change {
  if (atLeast > 1 && ratio > 1 + minDifference) return 'faster';
  if (atMost < 1 && ratio < 1 / (1 + minDifference)) return 'slower';
  return 'no difference seen';
}

/**
 * A round is a process of its own, and each is summed up by a median: so the rounds are independent, and one
 * slow moment moves none of them far.
 */
export function compareRows(before: Row, now: Row): ComparedRow {
  const found = ratioOf(before.nsPerPage, now.nsPerPage);
  if (!found) {
    const ratio = median(before.nsPerPage) / median(now.nsPerPage);
    const unknown = { atLeast: 0, atMost: Number.POSITIVE_INFINITY };
    return { row: now, ratio, ...unknown, change: 'too few rounds' };
  }
  const { ratio, atLeast, atMost } = found;
  return { row: now, ...found, change: changeOf(ratio, atLeast, atMost) };
}

export function compareRuns(before: Run, now: Run): Comparison {
  const old = new Map(before.rows.map((row) => [rowKey(row), row]));
  const rows = now.rows.flatMap((row) => {
    const earlier = old.get(rowKey(row));
    return earlier ? [compareRows(earlier, row)] : [];
  });
  const others = rows.filter(({ row }) => row.package !== 'fakedirty').map(({ ratio }) => ratio);
  return {
    rows,
    onlyBefore: before.rows.length - rows.length,
    onlyNow: now.rows.length - rows.length,
    othersRatio: others.length > 0 ? median(others) : null,
  };
}
