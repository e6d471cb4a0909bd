// A private directory for sockets and guest memory, gone when its user is done or dead.
import { mkdtempSync, readdirSync, rmSync, statfsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { undoAtExit } from './cleanup.js';

const prefix = 'fakedirty-';
const memoryFilesystem = '/dev/shm';

function freeBytes(directory: string): number {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize;
  } catch {
    return 0;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Removes what processes left that were killed before they could clean up. */
function removeAbandoned(shelf: string): void {
  for (const name of readdirSync(shelf)) {
    const pid = Number(new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1]);
    if (!pid || isAlive(pid)) continue;
    const directory = join(shelf, name);
    const owner = statSync(directory, { throwIfNoEntry: false })?.uid;
    if (owner === process.getuid?.()) rmSync(directory, { recursive: true, force: true });
  }
}

export class Workspace {
  readonly #keepNoMore: () => void;

  private constructor(readonly directory: string) {
    this.#keepNoMore = undoAtExit(() => this.#erase());
  }

  /**
   * In memory where there is room for `bytes`: comparing is fast there, and post-copy can handle page
   * faults in such files but not in those of a disk. Else in the directory for temporary files.
   */
  static create(bytes: number): Workspace {
    const shelf = freeBytes(memoryFilesystem) >= bytes ? memoryFilesystem : tmpdir();
    const free = freeBytes(shelf);
    if (free < bytes) {
      throw new Error(
        `Guest memory needs ${bytes} bytes, and ${shelf} has ${free} left. ` +
          'Free some, or set TMPDIR to a larger place.',
      );
    }
    removeAbandoned(shelf);
    return new Workspace(mkdtempSync(join(shelf, `${prefix}${process.pid}-`)));
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  remove(): void {
    this.#keepNoMore();
    this.#erase();
  }

  #erase(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
