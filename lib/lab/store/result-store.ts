// The folder that holds the runs of an experiment: a file each, there whole or not at all.

import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { FakedirtyError } from '../../errors/error.js';
import { ensureWritable, removeParts, writeWhole } from '../../system/atomic-write.js';
import { type Run, runSchema } from '../model/run.js';

const suffix = '.run.json';

/** A file in the folder is none of ours, or from another version, or can't be written. */
export class ResultError extends FakedirtyError {
  override readonly name = 'ResultError';
  override readonly code = 'ERR_RESULTS';
}

function readRun(file: string): Run {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new ResultError(`${file} is no JSON: move it away and run again`, { cause });
  }
  const { success, data, error } = runSchema.safeParse(value);
  if (success) return data;
  throw new ResultError(
    `${file} is no result of a run as this version writes them, move it away and run again: ` +
      z.prettifyError(error),
  );
}

/** All of the files are written, or none; says what could not be, and what to do. */
export function writeResults(
  directory: string,
  files: ReadonlyMap<string, string | Uint8Array>,
  { what, advice }: { readonly what: string; readonly advice: string },
): void {
  try {
    for (const name of files.keys()) {
      mkdirSync(dirname(join(directory, name)), { recursive: true });
    }
    writeWhole(directory, files);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const problem = `${what} can't be written to ${directory} (${reason})`;
    throw new ResultError(`${problem}. ${advice}`, { cause });
  }
}

export class ResultStore {
  constructor(readonly directory: string) {}

  /** Makes the folder if need be; removes what was half written when somebody was killed. */
  prepare(): void {
    mkdirSync(this.directory, { recursive: true });
    ensureWritable(this.directory);
    removeParts(this.directory);
  }

  /** All runs that have ended, in the order in which they were started. */
  runs(): Run[] {
    return readdirSync(this.directory)
      .filter((name) => name.endsWith(suffix))
      .map((name) => readRun(join(this.directory, name)))
      .sort((a, b) => a.startedAt.localeCompare(b.startedAt));
  }

  write(run: Run): void {
    const text = `${JSON.stringify(runSchema.parse(run), null, 1)}\n`;
    writeResults(this.directory, new Map([[`${run.id}${suffix}`, text]]), {
      what: `The result of ${run.id}`,
      advice: 'What was measured before is there: make room, and the same command goes on.',
    });
  }

  /** Forgets a run, to have it made again. */
  remove({ id }: Pick<Run, 'id'>): void {
    rmSync(join(this.directory, `${id}${suffix}`), { force: true });
  }
}
