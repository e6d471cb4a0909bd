// Creates directories with their parents. Node's own recursive mkdir never returns if the parent exists but nothing can be
// created in it and the error is ENOENT, as in /proc.
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/**
 * Makes a directory, and those above it, unless they are there; throws what the system says. `mode` is for each that it
 * makes; returns those, the outermost first.
 */
export function makeDirectory(path: string, mode?: number): string[] {
  const missing: string[] = [];
  const made: string[] = [];
  let at = resolve(path);
  for (; !existsSync(at); at = dirname(at)) missing.unshift(at);
  for (const each of missing) {
    try {
      mkdirSync(each, mode);
      made.push(each);
    } catch (error) {
      // Somebody else was faster.
      if (!isDirectory(each)) throw error;
    }
  }
  // A file in its place: let the system say so.
  if (missing.length === 0 && !isDirectory(at)) mkdirSync(at);
  return made;
}
