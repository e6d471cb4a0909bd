// Where the moves of a site are remembered: a folder with its journal, what people want of a drain that is under way,
// and the journals of its migrations. One process at a time carries moves out.
import { createHash, randomBytes } from 'node:crypto';
import { appendFileSync, existsSync, readFileSync, realpathSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { withoutInfinity } from '../../site/range.js';
import { isLocked, type Lock, tryLock } from '../../system/lock.js';
import { makeDirectory } from '../../system/make-directory.js';
import { FleetBusyError, FleetJournalError } from '../errors.js';
import {
  type EntryOf,
  type FleetEntry,
  fleetJournalFormat,
  parseFleetJournal,
  parseWishes,
  type Wish,
} from './entries.js';
import { JournalWriter } from './journal-writer.js';
import { afterEntry, type FleetState, stateOf } from './state.js';

/** The folder of a site, unless its user names another: in `$XDG_STATE_HOME`, or `~/.local/state`. */
export function defaultSiteFolder(siteFile: string): string {
  const { XDG_STATE_HOME } = process.env;
  const state = XDG_STATE_HOME ? resolve(XDG_STATE_HOME) : join(homedir(), '.local', 'state');
  const path = realpathSync(siteFile);
  const digest = createHash('sha256').update(path).digest('hex').slice(0, 12);
  return join(state, 'fakedirty', 'sites', `${basename(path).replace(/\.[^.]*$/, '')}-${digest}`);
}

function newMark(): string {
  return randomBytes(3).toString('hex');
}

/** Who asks for something. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user that the system does not know, as in a container.
    return String(process.getuid?.() ?? 'unknown');
  }
}

function textOf(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

/** The folder of a site's moves. */
export class SiteFolder {
  constructor(
    /** Where it is. */
    readonly path: string,
  ) {}

  get #journal(): string {
    return join(this.path, 'journal.jsonl');
  }

  get #wishes(): string {
    return join(this.path, 'wishes.jsonl');
  }

  /** Where the journals of migrations are. */
  get migrations(): string {
    return join(this.path, 'migrations');
  }

  /** What is written so far. */
  entries(): FleetEntry[] {
    try {
      return parseFleetJournal(textOf(this.#journal));
    } catch (error) {
      if (!(error instanceof FleetJournalError)) throw error;
      throw new FleetJournalError(`${this.#journal}: ${error.message}`);
    }
  }

  /** What it adds up to. */
  state(): FleetState {
    return stateOf(this.entries());
  }

  /** Says what is wanted; whoever carries moves out obeys at the next safe point. */
  wish(wish: Wish): void {
    makeDirectory(this.path, 0o700);
    // A line that a full disk has cut off must not spoil this one.
    const text = textOf(this.#wishes);
    const feed = text === '' || text.endsWith('\n') ? '' : '\n';
    appendFileSync(this.#wishes, `${feed}${JSON.stringify(wish)}\n`, { mode: 0o600 });
  }

  /** All wishes, oldest first. */
  wishes(): Wish[] {
    return parseWishes(textOf(this.#wishes));
  }

  /** Whether a process carries moves out now. */
  async isBusy(): Promise<boolean> {
    return await isLocked(this.#lock);
  }

  get #lock(): string {
    makeDirectory(this.path, 0o700);
    return join(this.path, 'lock');
  }

  /** Takes the folder: nobody else carries out moves until it is given back. */
  async take(site: string, command: string): Promise<TakenFolder> {
    const lock = await tryLock(this.#lock);
    if (!lock) {
      const owner = this.entries().findLast((entry) => entry.type === 'controller');
      const who = owner ? `process ${owner.pid} of ${owner.user} (${owner.command})` : 'a process';
      throw new FleetBusyError(
        `VMs of this site are being moved by ${who}: "fakedirty status" shows how far that is.`,
      );
    }
    try {
      return TakenFolder.open(this, this.#journal, lock, { site, command });
    } catch (error) {
      await lock[Symbol.asyncDispose]();
      throw error;
    }
  }
}

/** A folder in which this process writes what it decides. */
export class TakenFolder implements AsyncDisposable {
  /** The folder. */
  readonly folder: SiteFolder;
  readonly #writer: JournalWriter;
  readonly #lock: Lock;
  readonly #entries: FleetEntry[];
  #state: FleetState;
  #wishesObeyed: number;
  /** Hears each entry once it is on disk. */
  onEntry: (entry: FleetEntry) => void = () => {};

  private constructor(folder: SiteFolder, writer: JournalWriter, lock: Lock) {
    this.folder = folder;
    this.#writer = writer;
    this.#lock = lock;
    this.#entries = folder.entries();
    this.#state = stateOf(this.#entries);
    const wishes = this.#entries.filter((entry) => entry.type === 'wish');
    this.#wishesObeyed = wishes.filter(({ isSignal = false }) => !isSignal).length;
  }

  static open(
    folder: SiteFolder,
    path: string,
    lock: Lock,
    { site, command }: { readonly site: string; readonly command: string },
  ): TakenFolder {
    const taken = new TakenFolder(folder, new JournalWriter(path), lock);
    try {
      if (taken.entries.length === 0)
        taken.append({ type: 'begin', format: fleetJournalFormat, site, mark: newMark() });
      taken.append({ type: 'controller', user: userName(), pid: process.pid, command });
      return taken;
    } catch (error) {
      taken.#writer[Symbol.dispose]();
      throw error;
    }
  }

  /** All that was decided so far. */
  get entries(): readonly FleetEntry[] {
    return this.#entries;
  }

  /** What it adds up to. */
  get state(): FleetState {
    return this.#state;
  }

  /** The disk was full: what was set aside for that is used up, so no more moves should begin. */
  get isFull(): boolean {
    return this.#writer.isFull;
  }

  /** Writes what was decided, and returns when it is on disk: only then may it be carried out. */
  append<Type extends FleetEntry['type']>(
    entry: { readonly type: Type } & Omit<EntryOf<Type>, 'atMs' | 'type'>,
  ): void {
    if (!this.#lock.isHeld) {
      throw new FleetBusyError(
        'The process that held the lock of the site was killed: another one may move its VMs by now. The same command goes on.',
      );
    }
    const whole = { ...entry, atMs: Date.now() } as unknown as FleetEntry;
    // What was seen is looked at anew by whoever goes on: it need not be on disk before the next decision is.
    const canWait = whole.type === 'seen';
    this.#writer.write(`${JSON.stringify(whole, withoutInfinity)}\n`, canWait);
    this.#entries.push(whole);
    this.#state = afterEntry(this.#state, whole);
    this.onEntry(whole);
  }

  /** What people want that has not been obeyed yet. Each counts as obeyed from now on. */
  newWishes(): readonly Wish[] {
    const fresh = this.folder.wishes().slice(this.#wishesObeyed);
    for (const wish of fresh) {
      this.append({ type: 'wish', wish });
      this.#wishesObeyed += 1;
    }
    return fresh;
  }

  /** Gives it back. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#writer[Symbol.dispose]();
    await this.#lock[Symbol.asyncDispose]();
  }
}
