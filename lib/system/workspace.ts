// A private directory for sockets and guest memory, which is removed when its process closes it or has died.
import { existsSync, lstatSync, mkdtempSync, readdirSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakedirtyError } from '../errors/error.js';
import { isAbandoned, ownedName } from './owner.js';
import { undoAtExit } from './signals.js';

/**
 * In memory first: comparing is fast there, and post-copy can handle page faults in such files but not in
 * those of a disk.
 */
function usualPlaces(): string[] {
  return [...new Set(['/dev/shm', tmpdir()])];
}

function freeBytes(directory: string): number {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize;
  } catch {
    return 0;
  }
}

function namesIn(place: string): string[] {
  try {
    return readdirSync(place);
  } catch {
    // It is not there, or not ours to look into.
    return [];
  }
}

/** Removes what processes left that were killed before they could clean up. */
function removeAbandoned(place: string): void {
  for (const name of namesIn(place).filter(isAbandoned)) {
    const directory = join(place, name);
    const user = lstatSync(directory, { throwIfNoEntry: false })?.uid;
    if (user !== process.getuid?.()) continue;
    try {
      rmSync(directory, { recursive: true, force: true });
    } catch (error) {
      // Somebody else was faster.
      if (existsSync(directory)) throw error;
    }
  }
}

/** There is no room for the memory of a guest. */
export class WorkspaceError extends FakedirtyError {
  override readonly name = 'WorkspaceError';
  override readonly code = 'ERR_WORKSPACE';
}

export class Workspace {
  readonly #cancelCleanup: () => void;

  private constructor(readonly directory: string) {
    this.#cancelCleanup = undoAtExit(() => this.#erase());
  }

  /** Creates one in the first place that has room for `bytes`. */
  static create(bytes: number, places: readonly string[] = usualPlaces()): Workspace {
    // First of all: leftovers may be what takes up the room, in any of the places.
    for (const place of places) removeAbandoned(place);
    const chosen = places.find((place) => freeBytes(place) >= bytes);
    if (chosen === undefined) {
      const free = places.map((place) => `${place} has ${freeBytes(place)}`);
      throw new WorkspaceError(
        `Guest memory needs ${bytes} bytes, but ${free.join(' and ')} left. ` +
          'Free some, or set TMPDIR to a larger place.',
      );
    }
    return new Workspace(mkdtempSync(join(chosen, ownedName(''))));
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  remove(): void {
    this.#cancelCleanup();
    this.#erase();
  }

  #erase(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
