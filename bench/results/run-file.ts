// A run as text, and back again.
import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';
import { OptionError } from '../../lib/index.js';
import { type Run, runSchema } from './schema.js';

/** Checked before it is written: a file that cannot be read back is a bug that shows now. */
export function runAsJson(run: Run): string {
  return `${JSON.stringify(runSchema.parse(run), null, 2)}\n`;
}

export function runFromJson(text: string): Run {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error('it is not JSON', { cause });
  }
  const { success, data, error } = runSchema.safeParse(value);
  if (success) return data;
  const [line] = z.prettifyError(error).split('\n');
  const [issue] = error.issues;
  throw new Error(`${line?.replace(/^\W+/, '')}, at ${issue?.path.join('.') || 'its top'}`);
}

/** Reads an earlier run, for --compare. */
export function readRun(path: string): Run {
  const what = 'expected the bench.json that an earlier `npm run bench` wrote';
  let text: string;
  try {
    // A device may never end.
    if (!statSync(path).isFile()) throw new Error('it is not a regular file');
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new OptionError(
      '--compare',
      `${path} can't be read (${(error as Error).message}); ${what}`,
    );
  }
  try {
    return runFromJson(text);
  } catch (error) {
    throw new OptionError(
      '--compare',
      `${path} is not such a file: ${(error as Error).message}; ${what}`,
    );
  }
}
