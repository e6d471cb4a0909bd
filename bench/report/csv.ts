// The results for spreadsheets: a line a row, medians and what follows from them.
import { groupsOf } from '../results/figures.js';
import type { Run } from '../results/schema.js';

const header = [
  'algorithm',
  'package',
  'mode',
  'contents',
  'page_size_bytes',
  'pages_per_call',
  'rounds',
  'ns_per_page',
  'spread',
  'pages_per_second',
  'gb_per_second',
  'relative_to_fastest',
  'times_sha1_page_by_page',
  'seconds_for_16_gib',
];

function number(value: number | null): string {
  return value === null ? '' : String(Number(value.toPrecision(6)));
}

/** As RFC 4180 has it. Names here need no quotes: they hold neither commas nor quotes nor line ends. */
export function csvOf(run: Run): string {
  const lines = groupsOf(run).flatMap(({ rows }) =>
    rows.map(({ figures, ...row }) =>
      [
        row.algorithm,
        row.package,
        row.mode,
        row.contents,
        row.pageSizeBytes,
        row.pagesPerCall,
        row.nsPerPage.length,
        number(figures.nsPerPage),
        number(figures.spread),
        number(figures.pagesPerSecond),
        number(figures.gbPerSecond),
        number(figures.relativeToFastest),
        number(figures.timesSha1),
        number(figures.secondsFor16GiB),
      ].join(','),
    ),
  );
  return `${[header.join(','), ...lines].join('\r\n')}\r\n`;
}
