// Checks options where they enter: a wrong one becomes an OptionError that names it.
import { z } from 'zod';
import { OptionError } from '../errors/option-error.js';
import { shown } from '../errors/shown.js';

function list(values: readonly unknown[]): string[] {
  return values.map((value) => String(value));
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inside, key) =>
      inside === null || typeof inside !== 'object' ? undefined : Reflect.get(inside, key),
    value,
  );
}

function describe(schema: z.ZodObject, value: unknown, issue: z.core.$ZodIssue): OptionError {
  const option = issue.path.join('.') || 'options';
  const given = at(value, issue.path);
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = Object.keys(schema.shape);
      return new OptionError(
        issue.keys[0] ?? option,
        'there is no such option',
        issue.keys[0],
        known,
      );
    }
    case 'invalid_value':
      return new OptionError(option, `is ${shown(given)}`, given, list(issue.values));
    default: {
      // A key of the wrong type is a secret all the same.
      if (option === 'key') return new OptionError(option, issue.message);
      const isOurs = issue.message.startsWith('expected');
      const expected = issue.code === 'invalid_type' ? `expected ${issue.expected}` : issue.message;
      return new OptionError(option, `is ${shown(given)}; ${isOurs ? issue.message : expected}`);
    }
  }
}

/** The options with their defaults, or an OptionError that names the first wrong one. */
export function parseOptions<Schema extends z.ZodObject>(
  schema: Schema,
  options: unknown,
): z.output<Schema> {
  const given = options ?? {};
  const { success, data, error } = schema.safeParse(given);
  if (success) return data;
  const [issue] = error.issues;
  throw issue ? describe(schema, given, issue) : error;
}

const wholeNumber = 'expected a whole number from 0 to 2^53 - 1';

export const count = z
  .number(wholeNumber)
  .refine((value) => Number.isSafeInteger(value) && value >= 0, wholeNumber);

export const pageSizes = [1024, 2048, 4096, 8192, 16384, 32768, 65536] as const;
