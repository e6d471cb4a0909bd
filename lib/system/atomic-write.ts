// Files that are written completely or not at all: under a temporary name first, then renamed.
import { existsSync, readdirSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../errors/message-of.js';
import { OptionError } from '../errors/option-error.js';
import { makeDirectory } from './make-directory.js';

function temporaryName(path: string): string {
  return `${path}.${process.pid}.part`;
}

function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // Somebody has put something there.
  }
}

/**
 * Throws if nothing can be written there: better now than after minutes of measuring. `option` is what the caller named the
 * directory with. Returns a function that removes again what had to be made for it and is still empty.
 */
export function ensureWritable(directory: string, option: string): () => void {
  const trial = temporaryName(join(directory, 'trial'));
  let made: readonly string[] = [];
  const removeMade = () => {
    for (const each of made.toReversed()) removeIfEmpty(each);
  };
  try {
    made = makeDirectory(directory);
    writeFileSync(trial, '');
    rmSync(trial);
    return removeMade;
  } catch (error) {
    removeMade();
    const reason = messageOf(error);
    const problem = `nothing can be written in ${directory} (${reason}); name a folder of your own`;
    throw new OptionError(option, problem);
  }
}

/** Writes all files or none: none is renamed before all are written. */
export function writeAtomically(
  directory: string,
  files: ReadonlyMap<string, string | Uint8Array>,
): void {
  const paths = [...files].map(([name, data]) => ({ path: join(directory, name), data }));
  try {
    for (const { path, data } of paths) writeFileSync(temporaryName(path), data);
    for (const { path } of paths) renameSync(temporaryName(path), path);
  } catch (error) {
    for (const { path } of paths) rmSync(temporaryName(path), { force: true });
    throw error;
  }
}

/** Removes half-written files of processes that were killed. */
export function removeTemporaryFiles(directory: string): void {
  for (const name of readdirSync(directory)) {
    const pid = Number(/\.(\d+)\.part$/.exec(name)?.[1]);
    if (pid && !existsSync(`/proc/${pid}`)) rmSync(join(directory, name), { force: true });
  }
}
