// Words for what a schema finds wrong, with what was probably meant: zod's own know no near misses.
import type { core } from 'zod';
import { didYouMean } from './nearest.js';
import { quantity } from './quantity.js';
import { shown } from './shown.js';

/** The names that an object's schema accepts. */
function namesOf(schema: unknown): string[] {
  const { shape } =
    (schema as { _zod?: { def?: { shape?: object } } } | undefined)?._zod?.def ?? {};
  return Object.keys(shape ?? {});
}

function unknownNames(keys: readonly string[], accepted: readonly string[]): string {
  const [first = ''] = keys;
  const given = keys.map((key) => `'${key}'`).join(', ');
  const there = accepted.length === 0 ? 'none is accepted' : `accepted: ${accepted.join(', ')}`;
  return `unknown: ${given}; ${there}.${keys.length === 1 ? didYouMean(first, accepted) : ''}`;
}

/** The branch of a union that came closest: one that at least accepts this kind of value. */
function closestBranch(branches: readonly (readonly core.$ZodIssue[])[]): string | undefined {
  const closest = branches.find(
    ([first]) => first && !(first.code === 'invalid_type' && first.path.length === 0),
  );
  return closest
    ?.map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message))
    .join('; ');
}

function notAmong(given: unknown, accepted: readonly string[]): string {
  const expected = `expected ${accepted.length > 1 ? 'one of ' : ''}${accepted.join(', ')}`;
  if (typeof given !== 'string') return given === undefined ? `is missing; ${expected}` : expected;
  return `is '${given}'; ${expected}.${didYouMean(given, accepted)}`;
}

/** Of a union whose branches one member tells apart: that one is wrong, or missing. */
function notAKind(issue: core.$ZodRawIssue): string | undefined {
  const { discriminator, options, input } = issue as {
    readonly discriminator?: string;
    readonly options?: readonly unknown[];
    readonly input?: Readonly<Record<string, unknown>>;
  };
  if (discriminator === undefined || !options) return undefined;
  return notAmong(input?.[discriminator], options.map(String));
}

const kinds: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'a string',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object',
  array: 'a list',
};

function outOfRange(
  { input, path = [] }: core.$ZodRawIssue,
  expected: 'at most' | 'at least',
  limit: number | bigint,
): string | undefined {
  if (typeof input !== 'number') return undefined;
  // A number of a list has the unit of the list.
  const name = path.findLast((part) => typeof part === 'string') ?? '';
  const withUnit = (value: number | bigint) => quantity(String(name), value);
  return `is ${withUnit(input)}; expected ${expected} ${withUnit(limit)}`;
}

/** For `safeParse(value, { error: explainIssue })`; undefined: zod's own words will do. */
export const explainIssue: core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case 'unrecognized_keys':
      return unknownNames(issue.keys, namesOf(issue.inst));
    case 'invalid_value':
      return notAmong(issue.input, issue.values.map(String));
    case 'invalid_type':
      return `is ${shown(issue.input)}; expected ${kinds[issue.expected] ?? issue.expected}`;
    case 'too_big':
      return outOfRange(issue, 'at most', issue.maximum);
    case 'too_small':
      return outOfRange(issue, 'at least', issue.minimum);
    case 'invalid_union':
      return notAKind(issue) ?? closestBranch(issue.errors);
    case 'invalid_key':
      return issue.issues.map(({ message }) => message).join('; ');
    default:
      return undefined;
  }
};
