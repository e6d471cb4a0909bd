// What a row means: the figures that tables, CSV and picture show.

import { median, spread } from '../../lib/statistics/samples.js';
import { nameOf } from '../implementations/implementation.js';
import type { Row, Run } from './schema.js';

const guestBytes = 16 * 1024 ** 3;

export interface Figures {
  readonly nsPerPage: number;
  /** From the best to the worst round, as a share of the median. */
  readonly spread: number;
  readonly pagesPerSecond: number;
  /** 10^9 bytes. */
  readonly gbPerSecond: number;
  /** 1: it is the fastest on these pages. */
  readonly relativeToFastest: number;
  /** How many times as fast as SHA-1 of Node, one page a call; null: that was not measured. */
  readonly timesSha1: number | null;
  readonly secondsFor16GiB: number;
}

export interface RowWithFigures extends Row {
  readonly figures: Figures;
}

/** Rows on the same pages: only those can be compared. */
export interface PagesGroup {
  readonly contents: Row['contents'];
  readonly pageSizeBytes: number;
  readonly rows: readonly RowWithFigures[];
}

function isSha1PageByPage(row: Row): boolean {
  return nameOf(row) === 'sha1, node:crypto, page';
}

function withFigures(rows: readonly Row[]): RowWithFigures[] {
  const fastest = Math.min(...rows.map((row) => median(row.nsPerPage)));
  const sha1 = rows.find(isSha1PageByPage);
  return rows.map((row) => {
    const nsPerPage = median(row.nsPerPage);
    const figures = {
      nsPerPage,
      spread: spread(row.nsPerPage),
      pagesPerSecond: 1e9 / nsPerPage,
      gbPerSecond: row.pageSizeBytes / nsPerPage,
      relativeToFastest: fastest / nsPerPage,
      timesSha1: sha1 ? median(sha1.nsPerPage) / nsPerPage : null,
      secondsFor16GiB: ((guestBytes / row.pageSizeBytes) * nsPerPage) / 1e9,
    };
    return { ...row, figures };
  });
}

export function groupsOf(run: Run): PagesGroup[] {
  const groups = new Map<string, Row[]>();
  for (const row of run.rows) {
    const key = `${row.contents} ${row.pageSizeBytes}`;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()].flatMap((rows) => {
    const [first] = rows;
    if (!first) return [];
    const { contents, pageSizeBytes } = first;
    return [{ contents, pageSizeBytes, rows: withFigures(rows) }];
  });
}
