// CSV as RFC 4180 has it.
import { expect, it } from 'vitest';
import { csvText } from '../../lib/format/csv.js';

it('quotes only fields that need it, and ends every line with CRLF', () => {
  const columns = {
    text: ({ text }: { text: string | null }) => text,
    'a,b': ({ text }: { text: string | null }) => text?.length,
  };
  const items = ['plain', 'a,b', 'say "no"', 'two\nlines', null].map((text) => ({ text }));
  expect(csvText(columns, items)).toBe(
    'text,"a,b"\r\nplain,5\r\n"a,b",3\r\n"say ""no""",8\r\n"two\nlines",9\r\n,\r\n',
  );
});
