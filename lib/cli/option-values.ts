// The kinds of values that options take.
import { type Argument, InvalidArgumentError, type Option } from 'commander';
import { didYouMean } from '../errors/nearest.js';
import {
  expectedPercent,
  expectedSize,
  expectedTime,
  parseBytes,
  parseMs,
  parsePercent,
} from '../format/units.js';
import { migrationUriProblem, type UriUse } from '../migration/uri.js';
import { QmpError } from '../qmp/errors.js';
import { parseAddress, type QmpAddress } from '../qmp/transport.js';

/** Values with commas between, given once or more. */
export function list(text: string, before: string[]): string[] {
  return [...before, ...text.split(',').filter(Boolean)];
}

/** One of these words; a near miss is told what was probably meant. */
export function oneOf<Taker extends Option | Argument>(
  taker: Taker,
  words: readonly string[],
): Taker {
  taker.choices(words);
  taker.argParser((text) => {
    if (words.includes(text)) return text;
    throw new InvalidArgumentError(
      `Allowed choices are ${words.join(', ')}.${didYouMean(text, words)}`,
    );
  });
  return taker;
}

/** One value each time. */
export function each(text: string, before: string[]): string[] {
  return [...before, text];
}

export function positiveInteger(text: string): number {
  const number = wholeNumber(text);
  if (number < 1) throw new InvalidArgumentError('Expected a whole number from 1 on, such as 4.');
  return number;
}

export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) {
    throw new InvalidArgumentError('Expected a whole number, such as 4.');
  }
  return Number(text);
}

export function milliseconds(text: string): number {
  const ms = parseMs(text);
  if (ms === undefined) throw new InvalidArgumentError(`Expected ${expectedTime}.`);
  return Math.round(ms);
}

/** Whole seconds, with a unit or without. */
export function wholeSeconds(text: string): number {
  const ms = parseMs(text, 1000);
  if (ms !== undefined && ms > 0 && ms % 1000 === 0) return ms / 1000;
  throw new InvalidArgumentError('Expected whole seconds, such as 2s or 0.5min.');
}

export function byteCount(text: string): number {
  const bytes = parseBytes(text);
  if (bytes === undefined) throw new InvalidArgumentError(`Expected ${expectedSize}.`);
  return Math.round(bytes);
}

/** Whole percent, with the sign or without. */
export function wholePercent(text: string): number {
  const percent = parsePercent(text);
  if (percent !== undefined && Number.isInteger(percent)) return percent;
  throw new InvalidArgumentError(`Expected ${expectedPercent}, without a fraction.`);
}

export function qmpAddress(text: string): QmpAddress {
  try {
    return parseAddress(text);
  } catch (error) {
    if (!(error instanceof QmpError)) throw error;
    throw new InvalidArgumentError(error.message);
  }
}

/** A URI that the source connects to, or that the destination listens at. */
export function migrationUri(use: UriUse): (text: string) => string {
  return (text) => {
    const problem = migrationUriProblem(text, use);
    if (problem !== undefined) throw new InvalidArgumentError(`${problem}.`.replace('?.', '?'));
    return text;
  };
}

/** Parameters of QEMU that are times in milliseconds, or sizes in bytes. */
const parametersOfTime = new Set([
  'downtime-limit',
  'announce-initial',
  'announce-max',
  'announce-step',
  'x-checkpoint-delay',
  'x-vcpu-dirty-limit-period',
]);
const parametersOfSize = new Set([
  'max-bandwidth',
  'max-postcopy-bandwidth',
  'avail-switchover-bandwidth',
  'xbzrle-cache-size',
  'fake-dirty-max-memory',
]);

type ParameterValue = string | number | boolean;

/** As QEMU takes it: `on` and `off`, numbers, times and sizes with their units, and all else as it is. */
function parameterValue(name: string, text: string): ParameterValue {
  if (text === 'on' || text === 'off') return text === 'on';
  if (parametersOfTime.has(name)) return milliseconds(text);
  if (parametersOfSize.has(name)) return byteCount(text);
  return /^\d+$/.test(text) ? Number(text) : text;
}

/** NAME=VALUE, given once or more. */
export function parameter(
  text: string,
  before: Record<string, ParameterValue>,
): Record<string, ParameterValue> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Expected NAME=VALUE, such as max-bandwidth=8M.');
  const name = text.slice(0, at);
  return { ...before, [name]: parameterValue(name, text.slice(at + 1)) };
}

/** NAME=on or NAME=off, given once or more. */
export function onOrOff(text: string, before: Record<string, boolean>): Record<string, boolean> {
  const [, name = '', state] = /^(.+)=(on|off)$/.exec(text) ?? [];
  if (name === '')
    throw new InvalidArgumentError('Expected NAME=on or NAME=off, such as xbzrle=on.');
  return { ...before, [name]: state === 'on' };
}
