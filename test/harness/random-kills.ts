// What tests of kills at random moments share: what is killed when, how a drain goes on after it, and what came of them all.
import { expect, type TestContext } from 'vitest';
import type { FleetEntry } from '../../lib/fleet/journal/entries.js';
import { type FleetState, stateOf } from '../../lib/fleet/journal/state.js';
import { fakedirty } from '../cli/fakedirty.js';
import { DrainProcess, type SiteJournal } from './drain-process.js';
import { randomNumbers } from './random-numbers.js';
import type { SmallSite } from './small-site.js';

const { FAKEDIRTY_LONG, FAKEDIRTY_KILLS, FAKEDIRTY_KILLS_SEED = '20261130' } = process.env;
/** How many are told of at a time. */
const toldAtOnce = 25;

/** How many kills there are: in a short run, or as asked for. */
export function killsOf(inShortRun: number): number {
  return Number(FAKEDIRTY_KILLS ?? (FAKEDIRTY_LONG === '1' ? 300 : inShortRun));
}

/** Chooses, in the same way each time. */
export class Chance {
  readonly #random = randomNumbers(Number(FAKEDIRTY_KILLS_SEED));

  oneOf<Item>(items: readonly Item[]): Item {
    const item = items[Math.floor(this.#random() * items.length)];
    if (item === undefined) throw new RangeError('There is nothing to choose from.');
    return item;
  }

  upTo(limit: number): number {
    return this.#random() * limit;
  }
}

/** Counts what came of the kills, and tells it now and then and in the end, whether they passed or not. */
export class Tally {
  readonly #counts = new Map<string, number>();
  #kills = 0;

  constructor(context: TestContext) {
    context.onTestFinished(() => this.#tell());
  }

  add(victim: string, outcome: string): void {
    const key = `${victim}: ${outcome}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    this.#kills += 1;
    if (this.#kills % toldAtOnce === 0) this.#tell();
  }

  #tell(): void {
    console.log(`${this.#kills} kills:`, Object.fromEntries([...this.#counts].sort()));
  }
}

/** What a journal says since then, for a message. */
export function storySince(journal: SiteJournal, since: number): string {
  const entries = journal.entries.slice(since);
  return entries.map((entry) => JSON.stringify(entry)).join('\n');
}

/** A drain that is killed, and that the same command goes on with. */
export interface KilledDrain {
  readonly site: Pick<SmallSite, 'where'>;
  readonly journal: SiteJournal;
  /** The words of the command. */
  readonly words: readonly string[];
}

/** Gives the same command again, and expects that it goes on within that time. */
export async function goOn(
  context: TestContext,
  { site, journal, words }: KilledDrain,
  { withinMs, told }: { readonly withinMs: number; readonly told: () => string },
): Promise<DrainProcess> {
  const killedAt = journal.entries.length;
  const isController = ({ type }: FleetEntry) => type === 'controller';
  const second = new DrainProcess(context, site, words);
  const back = await second.writes(journal, killedAt, isController);
  const next = await second.writes(journal, killedAt, (entry) => !isController(entry));
  expect(next.atMs - back.atMs, told()).toBeLessThan(withinMs);
  return second;
}

/** Ends a drain that has stopped, and has its hosts take VMs again. */
export async function endDrain(
  context: TestContext,
  { site, journal, words }: KilledDrain,
): Promise<void> {
  const { drain, cordoned }: FleetState = stateOf(journal.entries);
  if (drain) {
    fakedirty('cancel', ...site.where);
    await new DrainProcess(context, site, words).end;
  }
  for (const name of cordoned) fakedirty('uncordon', name, ...site.where);
}
