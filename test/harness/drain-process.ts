// `fakedirty drain` as a process that can be killed, and what its journal says meanwhile.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { TestContext } from 'vitest';
import { type FleetEntry, parseFleetJournal } from '../../lib/fleet/journal/entries.js';
import { main } from '../cli/fakedirty.js';
import type { SmallSite } from './small-site.js';

const appearMs = 60_000;

/** The journal of a site, as anybody may read it. */
export class SiteJournal {
  readonly state: string;
  readonly #path: string;
  #read: { readonly bytes: number; readonly entries: FleetEntry[] } = { bytes: 0, entries: [] };

  constructor(site: Pick<SmallSite, 'workspace'>, state = site.workspace.path('state')) {
    this.state = state;
    this.#path = `${this.state}/journal.jsonl`;
  }

  /** It grows and nothing else, so that one as long as before says the same. */
  get entries(): readonly FleetEntry[] {
    const bytes = statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0;
    if (bytes !== this.#read.bytes) {
      const text = readFileSync(this.#path);
      this.#read = { bytes: text.length, entries: parseFleetJournal(text.toString('utf8')) };
    }
    return this.#read.entries;
  }

  /** Waits for an entry after the first so many. */
  async until(after: number, is: (entry: FleetEntry) => boolean): Promise<FleetEntry> {
    const giveUpAt = performance.now() + appearMs;
    for (;;) {
      const found = this.entries.slice(after).find(is);
      if (found) return found;
      if (performance.now() > giveUpAt) {
        const text = this.entries.map((entry) => JSON.stringify(entry)).join('\n');
        throw new Error(`The journal does not say what it should:\n${text}`);
      }
      await pause(2);
    }
  }
}

/** How it ended. */
interface DrainEnd {
  readonly code: number | null;
  readonly output: string;
}

export class DrainProcess {
  readonly #child: ChildProcess;
  readonly #end: Promise<DrainEnd>;

  constructor(
    context: TestContext,
    site: Pick<SmallSite, 'where'>,
    args: readonly string[],
    where: readonly string[] = site.where,
  ) {
    this.#child = spawn(process.execPath, [main, ...args, ...where], { stdio: 'pipe' });
    context.onTestFinished(() => void this.#child.kill('SIGKILL'));
    let output = '';
    const hear = (data: Buffer) => {
      output += data.toString();
    };
    this.#child.stdout?.on('data', hear);
    this.#child.stderr?.on('data', hear);
    this.#end = once(this.#child, 'close').then(([code]) => ({ code, output }));
  }

  /** Waits for an entry that it is to write, and says how it ended if it wrote none. */
  async writes(
    journal: SiteJournal,
    after: number,
    is: (entry: FleetEntry) => boolean,
  ): Promise<FleetEntry> {
    const early = this.#end.then(({ code, output }) => {
      const found = journal.entries.slice(after).find(is);
      if (found) return found;
      throw new Error(`It ended with ${code} before it wrote that:\n${output}`);
    });
    return await Promise.race([journal.until(after, is), early]);
  }

  kill(signal: 'SIGKILL' | 'SIGINT' | 'SIGTERM' | 'SIGHUP'): void {
    this.#child.kill(signal);
  }

  /** Its exit code, and what it said. */
  get end(): Promise<DrainEnd> {
    return this.#end;
  }
}
