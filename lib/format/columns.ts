// Tables as text: columns of words are aligned to the left, columns of numbers to the right.

/** A column of a table. */
export interface Column {
  readonly title: string;
  readonly align: 'left' | 'right';
}

/** The table with its header, one line for each row. */
export function inColumns(columns: readonly Column[], lines: readonly string[][]): string {
  const all = [columns.map(({ title }) => title), ...lines];
  const widths = columns.map((_, at) => Math.max(...all.map((line) => line[at]?.length ?? 0)));
  const shown = all.map((line) =>
    columns
      .map(({ align }, at) => {
        const text = line[at] ?? '';
        const width = widths[at] ?? 0;
        return align === 'left' ? text.padEnd(width) : text.padStart(width);
      })
      .join('  ')
      .trimEnd(),
  );
  return `${shown.join('\n')}\n`;
}

/** A column of words. */
export function left(title: string): Column {
  return { title, align: 'left' };
}

/** A column of numbers. */
export function right(title: string): Column {
  return { title, align: 'right' };
}

/** The number with three significant digits, and without an exponent. */
export function threeDigits(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en-US');
  return value.toFixed(value >= 10 ? 1 : value >= 1 ? 2 : 3);
}

/** The share as a percentage. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`;
}
