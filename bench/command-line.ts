// The command lines of the benchmarks: what is wrong is named, with the nearest name that there is.
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { OptionError } from '../lib/index.js';

type Shape = NonNullable<ParseArgsConfig['options']>;

export function parseFlags<const Options extends Shape>(args: readonly string[], options: Options) {
  try {
    return parseArgs({ args: [...args], options, strict: true }).values;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const unknown = /Unknown option '(-+[^']+)'/.exec(message)?.[1];
    if (unknown === undefined) throw new OptionError('command line', message);
    const known = Object.keys(options).map((name) => `--${name}`);
    throw new OptionError(unknown, 'there is no such option', unknown, known);
  }
}
