// Where journals are kept: one file for each migration, private to its user, and a limited number of those that ended.
import {
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { messageOf } from '../errors/message-of.js';
import { checkClient } from '../qmp/check-client.js';
import type { QmpClient } from '../qmp/client.js';
import { processOf } from '../qmp/process-usage.js';
import { isSameAddress, parseAddress, type QmpAddress } from '../qmp/transport.js';
import { makeDirectory } from '../system/make-directory.js';
import { isSameProcess, ownIdentity } from '../system/owner.js';
import {
  isOpen,
  type Journal,
  JournalError,
  type JournalWriter,
  journalLine,
  parseJournal,
} from './journal.js';

const maxEnded = 100;
const suffix = '.journal.jsonl';

/** The folder of the user's journals: in `$XDG_STATE_HOME`, or `~/.local/state`. */
export function defaultJournalPath(): string {
  const { XDG_STATE_HOME } = process.env;
  const state = XDG_STATE_HOME ? resolve(XDG_STATE_HOME) : join(homedir(), '.local', 'state');
  return join(state, 'fakedirty', 'journals');
}

/** A journal that is being written. */
export class JournalFile implements Disposable {
  readonly #file: number;
  /** Nothing has been written, and nothing had been before. */
  #isEmpty: boolean;

  /** @internal JournalDirectory makes these. */
  constructor(
    /** Where it is. */
    readonly path: string,
    flags: 'ax' | 'a',
  ) {
    this.#file = openSync(path, flags, 0o600);
    this.#isEmpty = flags === 'ax';
  }

  /** Writes an entry, and returns when it is on disk; passes may follow each other too fast for that. */
  readonly write: JournalWriter = (entry) => {
    writeSync(this.#file, journalLine(entry));
    if (entry.type !== 'pass') fsyncSync(this.#file);
    this.#isEmpty = false;
  };

  /** Closes the file, and leaves none behind that nothing was written to. */
  [Symbol.dispose](): void {
    closeSync(this.#file);
    if (this.#isEmpty) rmSync(this.path, { force: true });
  }
}

/** A journal in a folder. */
export interface FoundJournal {
  /** Its file. */
  readonly path: string;
  /** What it says. */
  readonly journal: Journal;
}

/** Whether a journal's address leads to the same QMP. */
function isAt(kept: string | undefined, address: QmpAddress): boolean {
  return kept !== undefined && isSameAddress(parseAddress(kept), address);
}

/** A folder of journals. */
export class JournalDirectory {
  /** Where it is. */
  readonly path: string;

  constructor(path = defaultJournalPath()) {
    this.path = path;
  }

  /** Begins a journal, and removes the oldest of many that have ended. */
  create(): JournalFile {
    makeDirectory(this.path, 0o700);
    this.#removeOldest();
    const time = new Date().toISOString().replaceAll(/[-:.]/g, '');
    for (let number = 1; ; number += 1) {
      try {
        return new JournalFile(join(this.path, `${time}-${process.pid}-${number}${suffix}`), 'ax');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
    }
  }

  /** Goes on with the journal of a migration that this process takes over. */
  goOn(found: FoundJournal): JournalFile {
    const { path, journal } = found;
    if (!isOpen(journal)) throw new JournalError(`${path}: this migration has ended.`);
    // What was being written when the process was killed is no line: it must not spoil the next one.
    const text = readFileSync(path);
    truncateSync(path, text.lastIndexOf('\n') + 1);
    const file = new JournalFile(path, 'a');
    file.write({ type: 'taken-over', atMs: Date.now(), controller: ownIdentity() });
    return file;
  }

  /** All journals that can be read, the newest first. */
  all(): FoundJournal[] {
    return this.#names()
      .reverse()
      .flatMap((name) => {
        const path = join(this.path, name);
        try {
          return [{ path, journal: parseJournal(readFileSync(path, 'utf8')) }];
        } catch (error) {
          if (error instanceof JournalError || (error as NodeJS.ErrnoException).code) return [];
          throw error;
        }
      });
  }

  /** The newest journal of a migration that has not ended, by the address of its source's QMP. */
  unended(qmp: string): FoundJournal | undefined {
    const address = parseAddress(qmp);
    return this.all().find(({ journal: { begin, end } }) => {
      const { source } = begin;
      return isOpen({ end }) && isAt(source.qmp, address);
    });
  }

  /**
   * The newest journal of a migration from this QEMU that has not ended. On this machine QEMU is known by its process,
   * whatever the address was called or has become; elsewhere by the address of its QMP.
   */
  async unendedOf(qmp: QmpClient): Promise<FoundJournal | undefined> {
    checkClient(qmp);
    const qemu = await processOf(qmp);
    const open = this.open();
    const ofProcess = open.find(({ journal: { begin } }) => {
      const { process } = begin.source;
      return qemu !== undefined && process !== undefined && isSameProcess(process, qemu);
    });
    return ofProcess ?? (qmp.address === undefined ? undefined : this.unended(qmp.address));
  }

  /** All journals of migrations that have not ended, the newest first. */
  open(): FoundJournal[] {
    return this.all().filter(({ journal }) => isOpen(journal));
  }

  /** One journal, by the path of its file. */
  static read(path: string): FoundJournal {
    try {
      return { path, journal: parseJournal(readFileSync(path, 'utf8')) };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (!(error instanceof JournalError) && code === undefined) throw error;
      throw new JournalError(`${path} is not a journal that can be read: ${messageOf(error)}`);
    }
  }

  #names(): string[] {
    try {
      return readdirSync(this.path)
        .filter((name) => name.endsWith(suffix))
        .sort();
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return [];
      throw new JournalError(`${this.path} is no folder of journals that can be read: ${message}`);
    }
  }

  #removeOldest(): void {
    const names = this.#names();
    if (names.length <= maxEnded) return;
    const ended = this.all().filter(({ journal }) => !isOpen(journal));
    for (const { path } of ended.slice(maxEnded)) rmSync(path, { force: true });
  }
}
