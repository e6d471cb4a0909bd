// Writes a journal line by line, each on disk before anybody goes on. A disk that fills up while a VM is being moved must
// not keep it from being run at its destination: room is set aside beforehand.
import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { messageOf } from '../../errors/message-of.js';
import { FleetWriteError } from '../errors.js';

/** Enough for the rest of a move, and for saying how it ended. */
const reservedBytes = 64 * 1024;

/** A new file is not there for good before its directory is on disk. */
function syncDirectory(path: string): void {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

export class JournalWriter implements Disposable {
  readonly #path: string;
  readonly #file: number;
  readonly #reserve: string;
  #bytes: number;
  #isFull = false;

  constructor(path: string) {
    this.#path = path;
    this.#reserve = `${path}.reserve`;
    try {
      // Not a hole: every byte has its place on the disk.
      if (!existsSync(this.#reserve)) {
        writeFileSync(this.#reserve, Buffer.alloc(reservedBytes, ' '), {
          mode: 0o600,
          flush: true,
        });
      }
      this.#file = openSync(path, 'a', 0o600);
    } catch (error) {
      rmSync(this.#reserve, { force: true });
      throw new FleetWriteError(`${path} can't be written: ${messageOf(error)}`);
    }
    syncDirectory(dirname(path));
    // What was being written when a process was killed is no line: it must not spoil the next one.
    const whole = readFileSync(path).lastIndexOf('\n') + 1;
    if (statSync(path).size > whole) ftruncateSync(this.#file, whole);
    this.#bytes = whole;
  }

  /** The disk is full, or was. */
  get isFull(): boolean {
    const { bavail, bsize } = statfsSync(this.#path);
    return this.#isFull || bavail * bsize < reservedBytes;
  }

  /**
   * Writes a line, and returns when it is on disk with all before it; one that `canWait` may come there later. Throws
   * FleetWriteError, with nothing written.
   */
  write(line: string, canWait = false): void {
    try {
      this.#append(line, canWait);
    } catch (error) {
      if (!existsSync(this.#reserve)) throw this.#failure(error);
      this.#isFull = true;
      rmSync(this.#reserve, { force: true });
      try {
        this.#append(line, canWait);
      } catch (again) {
        throw this.#failure(again);
      }
    }
  }

  #failure(error: unknown): FleetWriteError {
    return new FleetWriteError(`${this.#path} can't be written: ${messageOf(error)}`);
  }

  #append(line: string, canWait: boolean): void {
    const bytes = Buffer.from(line);
    try {
      let written = 0;
      while (written < bytes.length) written += writeSync(this.#file, bytes, written);
      if (!canWait) fsyncSync(this.#file);
      this.#bytes += bytes.length;
    } catch (error) {
      ftruncateSync(this.#file, this.#bytes);
      throw error;
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
    if (!this.#isFull) rmSync(this.#reserve, { force: true });
  }
}
