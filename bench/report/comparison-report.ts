// What changed since an earlier run, row by row.

import { inColumns, left, right, threeDigits } from '../../lib/format/columns.js';
import type { Comparison } from '../results/comparison.js';
import { verdicts } from '../results/comparison.js';

const columns = [
  left('algorithm'),
  left('package'),
  left('called'),
  left('contents'),
  right('page'),
  right('now/before'),
  right('99 % interval'),
  left('verdict'),
];

function interval(atLeast: number, atMost: number): string {
  return Number.isFinite(atMost) ? `${threeDigits(atLeast)} to ${threeDigits(atMost)}` : '-';
}

export function comparisonReport(comparison: Comparison): string {
  const { rows, onlyBefore, onlyNow, othersRatio } = comparison;
  const lines = rows.map(({ row, ratio, atLeast, atMost, change }) => [
    row.algorithm,
    row.package,
    row.mode,
    row.contents,
    String(row.pageSizeBytes),
    threeDigits(ratio),
    interval(atLeast, atMost),
    change,
  ]);
  const counts = verdicts
    .map((verdict) => ({ verdict, count: rows.filter(({ change }) => change === verdict).length }))
    .filter(({ count }) => count > 0)
    .map(({ verdict, count }) => `${count} ${verdict}`);
  const notes = [
    `${counts.join(', ') || 'no row is in both runs'}. Of rows that did not change, about one in a hundred is`,
    'called faster or slower all the same.',
  ];
  if (onlyNow > 0) notes.push(`${onlyNow} rows are new.`);
  if (onlyBefore > 0) notes.push(`${onlyBefore} rows of the earlier run were not measured now.`);
  if (othersRatio !== null) {
    const moved = threeDigits(othersRatio);
    notes.push(
      `The other packages run at ${moved} times their earlier speed (median): when that is far from 1,`,
      'it is the machine that changed, or what else runs on it.',
    );
  }
  const title = 'Speed now over speed in the earlier run';
  return `${title}\n\n${inColumns(columns, lines)}\n${notes.join('\n')}\n`;
}
