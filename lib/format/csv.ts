// Tables for spreadsheets and scripts, as RFC 4180 has them: lines end in CRLF, and a field is quoted if it contains a
// comma, a quote or a line end.

/** One field of a table. Null and undefined are empty. */
export type CsvValue = string | number | boolean | null | undefined;

function field(value: CsvValue): string {
  const text = value === null || value === undefined ? '' : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The text of a table whose columns are named, each with what it shows of an item. */
export function csvText<Item>(
  columns: Readonly<Record<string, (item: Item) => CsvValue>>,
  items: readonly Item[],
): string {
  const rows = items.map((item) => Object.values(columns).map((value) => value(item)));
  const lines = [Object.keys(columns), ...rows].map((row) => row.map(field).join(','));
  return lines.map((line) => `${line}\r\n`).join('');
}
