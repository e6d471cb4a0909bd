// The file of `--record`: it is never in the way of a migration, and never overwrites another one unasked.
import { closeSync, existsSync, openSync, rmSync, writeSync } from 'node:fs';
import { messageOf } from '../errors/message-of.js';
import { OptionError } from '../errors/option-error.js';
import { entryLine, type Recorder } from '../migration/recording.js';

/** Writes entries as they happen: a recording is useful even if this process is killed. */
export class RecordingFile implements Disposable {
  readonly #path: string;
  readonly #file: number;
  /** It was not there before. */
  readonly #isOurs: boolean;
  #isEmpty = true;
  #problem: string | undefined;

  constructor(path: string, { force }: { force: boolean }) {
    this.#path = path;
    try {
      // A device, or a pipe to another program, is no file of ours either.
      this.#isOurs = !existsSync(path);
      this.#file = openSync(path, force ? 'w' : 'wx');
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      throw new OptionError(
        '--record',
        code === 'EEXIST'
          ? `"${path}" exists; choose another name, or replace it with --force`
          : `"${path}" can't be written: ${message}`,
      );
    }
  }

  /** Why the recording ends early, if it does. */
  get problem(): string | undefined {
    return this.#problem && `The recording ${this.#path} ends early: ${this.#problem}`;
  }

  readonly record: Recorder = (entry) => {
    if (this.#problem !== undefined) return;
    try {
      writeSync(this.#file, entryLine(entry));
      this.#isEmpty = false;
    } catch (error) {
      this.#problem = messageOf(error);
    }
  };

  /** Closes it, and leaves nothing behind if nothing was recorded; what was there before stays. */
  [Symbol.dispose](): void {
    closeSync(this.#file);
    if (this.#isEmpty && this.#isOurs) rmSync(this.#path, { force: true });
  }
}
