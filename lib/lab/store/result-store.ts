// The folder that holds the runs of an experiment: one file each, complete or not there at all.

import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { messageOf } from '../../errors/message-of.js';
import { sentence, type Words } from '../../errors/wording.js';
import {
  ensureWritable,
  removeTemporaryFiles,
  writeAtomically,
} from '../../system/atomic-write.js';
import { makeDirectory } from '../../system/make-directory.js';
import { type Run, runFormat, runSchema } from '../model/run.js';
import { ResultError } from './result-error.js';

const suffix = '.run.json';
const anyFormat = z.looseObject({ format: z.string() });

function readRun(file: string): Run {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new ResultError(`${file} is not valid JSON: move it away and run again`, { cause });
  }
  const { format } = anyFormat.safeParse(value).data ?? {};
  if (format !== undefined && format !== runFormat) {
    throw new ResultError(
      `${file} has the format "${format}", and this version of fakedirty reads "${runFormat}" only: ` +
        'move it away and run again',
    );
  }
  const { success, data, error } = runSchema.safeParse(value);
  if (success) return data;
  throw new ResultError(
    `${file} is not a valid run file, move it away and run again: ${z.prettifyError(error)}`,
  );
}

/** Writes all of the files or none; the error says what could not be written, and what to do. */
export function writeResults(
  directory: string,
  files: ReadonlyMap<string, string | Uint8Array>,
  { what, advice }: { readonly what: string; readonly advice: Words },
): void {
  try {
    for (const name of files.keys()) {
      makeDirectory(dirname(join(directory, name)));
    }
    writeAtomically(directory, files);
  } catch (cause) {
    const reason = messageOf(cause);
    const problem = `${what} can't be written to ${directory} (${reason})`;
    throw new ResultError(sentence`${problem}. ${advice}`, { cause });
  }
}

/** The folder that holds the runs of an experiment. */
export class ResultStore {
  /** Need not exist yet: prepare() makes it. */
  constructor(readonly directory: string) {}

  /** Makes the folder if need be, and removes half-written files of processes that were killed. */
  prepare(): void {
    ensureWritable(this.directory, 'directory');
    removeTemporaryFiles(this.directory);
  }

  /** All runs that have ended, in the order in which they were started. */
  runs(): Run[] {
    return this.#names()
      .filter((name) => name.endsWith(suffix))
      .map((name) => readRun(join(this.directory, name)))
      .sort((a, b) => a.startedAt.localeCompare(b.startedAt));
  }

  #names(): string[] {
    try {
      return readdirSync(this.directory);
    } catch (cause) {
      const problem = `${this.directory} is not a folder of results that can be read`;
      throw new ResultError(`${problem}: ${messageOf(cause)}`, { cause });
    }
  }

  /** Keeps a run. */
  write(run: Run): void {
    const text = `${JSON.stringify(runSchema.parse(run), null, 1)}\n`;
    writeResults(this.directory, new Map([[`${run.id}${suffix}`, text]]), {
      what: `The result of ${run.id}`,
      advice: 'Earlier runs are safe: make room, and the same command continues.',
    });
  }

  /** Removes a run, so that it is made again. */
  remove({ id }: Pick<Run, 'id'>): void {
    rmSync(join(this.directory, `${id}${suffix}`), { force: true });
  }
}
