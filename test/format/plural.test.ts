import { expect, it } from 'vitest';
import { plural } from '../../lib/format/plural.js';

it.for([
  [0, '0 attempts'],
  [1, '1 attempt'],
  [2, '2 attempts'],
  [12_345, '12,345 attempts'],
] as const)('a number stands with its noun: %i, "%s"', ([count, text]) => {
  expect(plural(count, 'attempt')).toBe(text);
});

it('a noun may have a plural of its own', () => {
  expect([1, 2].map((count) => plural(count, 'pass', 'passes'))).toEqual(['1 pass', '2 passes']);
});
