// Checks that options are an object, and that all of them are known: a misspelt one would be ignored without a word.
import { OptionError } from './option-error.js';
import { shown } from './shown.js';

/** The names of all options of a type; the compiler finds one that is missing or too many. */
export function optionNames<Options>(
  names: {
    readonly [Name in keyof Required<Options>]: true;
  },
): readonly string[] {
  return Object.keys(names);
}

/** What is given is an object. */
export function checkObject(
  option: string,
  given: unknown,
  expected: string,
): asserts given is object {
  if (typeof given === 'object' && given !== null) return;
  throw new OptionError(option, `is ${shown(given)}; expected ${expected}`);
}

/** What is given is an object with no other options than these. */
export function checkOptions(
  given: unknown,
  names: readonly string[],
  option = 'options',
): asserts given is object {
  checkObject(option, given, `{ ${names.join(', ')} }`);
  // Without a list of the keys: it is checked in calls of a microsecond.
  for (const name in given) {
    if (names.includes(name) || !Object.hasOwn(given, name)) continue;
    throw new OptionError(name, 'there is no such option', name, names);
  }
}
