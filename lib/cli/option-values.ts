// The kinds of values that options take.
import { InvalidArgumentError } from 'commander';
import { expectedSize, expectedTime, parseBytes, parseMs } from '../format/units.js';
import { QmpError } from '../qmp/errors.js';
import { parseAddress, type QmpAddress } from '../qmp/transport.js';

/** Values with commas between, given once or more. */
export function list(text: string, before: string[]): string[] {
  return [...before, ...text.split(',').filter(Boolean)];
}

/** One value each time. */
export function each(text: string, before: string[]): string[] {
  return [...before, text];
}

export function positiveInteger(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) {
    throw new InvalidArgumentError('Expected a whole number from 1 on.');
  }
  return number;
}

export function milliseconds(text: string): number {
  const ms = parseMs(text);
  if (ms === undefined) throw new InvalidArgumentError(`Expected ${expectedTime}.`);
  return Math.round(ms);
}

export function byteCount(text: string): number {
  const bytes = parseBytes(text);
  if (bytes === undefined) throw new InvalidArgumentError(`Expected ${expectedSize}.`);
  return Math.round(bytes);
}

export function qmpAddress(text: string): QmpAddress {
  try {
    return parseAddress(text);
  } catch (error) {
    if (!(error instanceof QmpError)) throw error;
    throw new InvalidArgumentError(error.message);
  }
}

/** NAME=VALUE, given once or more. */
export function setting(text: string, before: Record<string, string>): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Expected NAME=VALUE.');
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

/** NAME=on or NAME=off, given once or more. */
export function onOrOff(text: string, before: Record<string, boolean>): Record<string, boolean> {
  const [, name = '', state] = /^(.+)=(on|off)$/.exec(text) ?? [];
  if (name === '') throw new InvalidArgumentError('Expected NAME=on or NAME=off.');
  return { ...before, [name]: state === 'on' };
}
