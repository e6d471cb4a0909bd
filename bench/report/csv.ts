// The results for spreadsheets: one line for each row, with medians and what follows from them.
import { type CsvValue, csvText } from '../../lib/format/csv.js';
import { groupsOf } from '../results/figures.js';
import type { Run } from '../results/schema.js';

type Row = ReturnType<typeof groupsOf>[number]['rows'][number];

function rounded(value: number | null): CsvValue {
  return value === null ? null : Number(value.toPrecision(6));
}

const columns: Readonly<Record<string, (row: Row) => CsvValue>> = {
  algorithm: (row) => row.algorithm,
  package: (row) => row.package,
  mode: (row) => row.mode,
  contents: (row) => row.contents,
  page_size_bytes: (row) => row.pageSizeBytes,
  pages_per_call: (row) => row.pagesPerCall,
  rounds: (row) => row.nsPerPage.length,
  ns_per_page: ({ figures }) => rounded(figures.nsPerPage),
  spread: ({ figures }) => rounded(figures.spread),
  pages_per_second: ({ figures }) => rounded(figures.pagesPerSecond),
  gb_per_second: ({ figures }) => rounded(figures.gbPerSecond),
  relative_to_fastest: ({ figures }) => rounded(figures.relativeToFastest),
  times_sha1_page_by_page: ({ figures }) => rounded(figures.timesSha1),
  seconds_for_16_gib: ({ figures }) => rounded(figures.secondsFor16GiB),
};

/** The results as CSV. */
export function csvOf(run: Run): string {
  return csvText(
    columns,
    groupsOf(run).flatMap(({ rows }) => rows),
  );
}
