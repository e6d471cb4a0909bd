// The results as tables for people: one for each kind of pages, fastest first.

import { inColumns, left, percent, right, threeDigits } from '../../lib/format/columns.js';
import { machineLine, settingsLine } from '../results/describe.js';
import { groupsOf, type PagesGroup, type RowWithFigures } from '../results/figures.js';
import type { Run } from '../results/schema.js';

const columns = [
  left('algorithm'),
  left('package'),
  left('called'),
  right('pages/s'),
  right('GB/s'),
  right('ns/page'),
  right('spread'),
  right('of fastest'),
  right('x SHA-1'),
  right('16 GiB'),
];

function lineOf({ algorithm, package: from, mode, figures }: RowWithFigures): string[] {
  return [
    algorithm,
    from,
    mode,
    threeDigits(figures.pagesPerSecond),
    threeDigits(figures.gbPerSecond),
    threeDigits(figures.nsPerPage),
    percent(figures.spread),
    percent(figures.relativeToFastest),
    figures.timesSha1 === null ? '-' : threeDigits(figures.timesSha1),
    `${threeDigits(figures.secondsFor16GiB)} s`,
  ];
}

function groupTable({ contents, pageSizeBytes, rows }: PagesGroup): string {
  const sorted = [...rows].sort((a, b) => a.figures.nsPerPage - b.figures.nsPerPage);
  const title = `Pages of ${pageSizeBytes} bytes, ${contents}`;
  return `${title}\n\n${inColumns(columns, sorted.map(lineOf))}`;
}

const legend = `called     page: one page a call; batch: many; async: in background threads, awaited
spread     from the best to the worst round, as a share of the median, which is shown
x SHA-1    how many times as fast as SHA-1 of node:crypto, one page a call
16 GiB     how long a guest of that size takes
`;

export function tablesOf(run: Run): string {
  const tables = groupsOf(run).map(groupTable);
  return [`${machineLine(run)}\n${settingsLine(run)}\n`, ...tables, legend].join('\n');
}
