// Checks the arguments of policies and predictions when they are passed, so that a mistake is reported when a policy is made and
// not when it is first evaluated.
import { OptionError } from '../errors/option-error.js';
import { shown } from '../errors/shown.js';

type Fields = Readonly<Record<string, unknown>>;

/** Each of these is a number from 0 on; unless required, it may be left out. */
export function checkNumbers(given: object, names: readonly string[], isRequired = false): void {
  for (const name of names) {
    const value = (given as Fields)[name];
    if (value === undefined && !isRequired) continue;
    if (typeof value === 'number' && value >= 0) continue;
    throw new OptionError(name, `is ${shown(value)}; expected a number from 0 on`);
  }
}

/** It is one of these words, or left out. */
export function checkWord(given: object, name: string, words: readonly string[]): void {
  const value = (given as Fields)[name];
  if (value === undefined || words.some((word) => word === value)) return;
  throw new OptionError(name, `is ${shown(value)}`, value, words);
}

export function checkPolicy(option: string, policy: unknown): void {
  if (typeof policy === 'function') return;
  throw new OptionError(option, `is ${shown(policy)}; expected a policy, which is a function`);
}
