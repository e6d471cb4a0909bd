// Kills whatever takes part in a move, at random moments: no guest runs twice, none goes back to what it was before, and
// none is lost but by the death of what held it.
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it, type TestContext } from 'vitest';
import type { EntryOf } from '../../../lib/fleet/journal/entries.js';
import { stateOf } from '../../../lib/fleet/journal/state.js';
import { QmpClient } from '../../../lib/qmp/client.js';
import { findProcess } from '../../../lib/system/detached.js';
import { fakedirty } from '../../cli/fakedirty.js';
import { DrainProcess, SiteJournal } from '../../harness/drain-process.js';
import { Chance, endDrain, goOn, killsOf, storySince, Tally } from '../../harness/random-kills.js';
import { needQemu } from '../../harness/requirements.js';
import { guestAt, SmallSite } from '../../harness/small-site.js';

const kills = killsOf(3);
const goOnMs = 5000;
/** It ends long before, and is made again where that is to be. */
const settleMs = 60_000;

const victims = [
  'controller',
  'source',
  'destination',
  'controller and source',
  'controller and destination',
] as const;
const methods = [
  ['--method', 'pre-copy'],
  ['--method', 'hybrid'],
  ['--method', 'post-copy'],
] as const;

async function runs(folder: string): Promise<boolean> {
  try {
    await using qmp = await QmpClient.connect(`${folder}/qmp.sock`, { timeoutMs: 5000 });
    return (await qmp.execute('query-status')).running;
  } catch {
    return false;
  }
}

/** A site with a VM that is moved again and again, and one that takes its place when it is lost. */
class Scene {
  readonly site: SmallSite;
  readonly journal: SiteJournal;
  readonly #binary: string;
  vm = 'web0';
  #vms = 0;
  #passes = 0;

  private constructor(site: SmallSite, binary: string) {
    this.site = site;
    this.journal = new SiteJournal(site);
    this.#binary = binary;
  }

  static async start(context: TestContext): Promise<Scene> {
    const { binary } = needQemu(context);
    const site = await SmallSite.start(context, { binary, vms: {}, megabitsPerSecond: 60 });
    const scene = new Scene(site, binary);
    await scene.replace();
    return scene;
  }

  async replace(): Promise<void> {
    this.vm = `web${this.#vms}`;
    this.#vms += 1;
    this.#passes = 0;
    const guest = { pattern: 'rewrite', pages: 1500, spins: 200 } as const;
    await this.site.addVm(this.vm, { host: 'h1', guest }, this.#binary);
  }

  get host(): string {
    return stateOf(this.journal.entries).places.get(this.vm)?.host ?? 'h1';
  }

  /** The folders in which it may be: of its first QEMU, and of every attempt. */
  get folders(): string[] {
    const attempts = this.journal.entries.filter((entry) => entry.type === 'attempt');
    const ours = attempts.filter(({ move }) => move.vm === this.vm);
    const folders = ours.map(({ destination }) =>
      destination.driver === 'qmp' ? (destination.folder ?? '') : '',
    );
    return [this.site.folderOf(this.vm), ...folders];
  }

  kill(side: 'source' | 'destination', { source, destination }: EntryOf<'attempt'>): void {
    const place = side === 'source' ? source : destination;
    const qmp = place.driver === 'qmp' ? place.qmp : '';
    const qemu = findProcess((words) => words.some((word) => word.includes(`${qmp},`)));
    if (qemu) process.kill(qemu.pid, 'SIGKILL');
  }

  /** Where it ran in the end was killed when all was decided: it had moved, or was to stay, and died there. */
  async diedAfterwards(victim: string, since: number): Promise<boolean> {
    const entries = this.journal.entries.slice(since);
    const last = entries.findLast((entry) => entry.type === 'seen');
    const isThere = last?.destination === 'arrived' && victim.includes('destination');
    const isHere = last?.source === 'not-started' && victim.includes('source');
    const running = await Promise.all(this.folders.map(runs));
    return (isThere || isHere) && !running.includes(true);
  }

  /** It runs once, unharmed, and no older than before; or nowhere. */
  async check(what: string, isLost: boolean): Promise<void> {
    const running = await Promise.all(this.folders.map(runs));
    const where = this.folders.filter((_, at) => running[at]);
    expect(where.length, what).toBe(isLost ? 0 : 1);
    if (isLost) return;
    const { wrongWords, passes } = await guestAt(where[0] ?? '');
    expect(wrongWords, what).toBe(0);
    expect(passes, what).toBeGreaterThanOrEqual(this.#passes);
    this.#passes = passes;
  }
}

it(
  `after ${kills} kills`,
  async (context) => {
    const scene = await Scene.start(context);
    const chance = new Chance();
    const tally = new Tally(context);
    const { journal, site } = scene;
    for (let kill = 0; kill < kills; kill += 1) {
      const victim = chance.oneOf(victims);
      const method = chance.oneOf(methods);
      const delayMs = chance.upTo(2000);
      const what = `kill ${kill}: ${victim} after ${Math.round(delayMs)} ms, ${method[1]}`;
      const before = journal.entries.length;
      const told = () => `${what}\n${storySince(journal, before)}`;
      const words = ['drain', scene.host, ...method, '--stall', '3s'];
      const drain = { site, journal, words };
      const first = new DrainProcess(context, site, words);
      const attempt = await first.writes(journal, before, ({ type }) => type === 'attempt');
      await pause(delayMs);
      if (attempt.type !== 'attempt') throw new TypeError('This is no attempt.');
      const isOver = journal.entries.slice(before).some(({ type }) => type === 'ended');
      if (victim.includes('controller')) first.kill('SIGKILL');
      if (victim.includes('source') && !isOver) scene.kill('source', attempt);
      if (victim.includes('destination') && !isOver) scene.kill('destination', attempt);
      await first.end;
      const last = victim.includes('controller')
        ? await goOn(context, drain, { withinMs: goOnMs, told })
        : first;
      const { code } = await last.end;
      if (code === 14) {
        // What arrived at a destination that was told nothing: only a person knows that it is the newest.
        expect(victim, what).toContain('source');
        expect(fakedirty('settle', scene.vm, 'destination', ...site.where).status, what).toBe(0);
      }
      const isLost = stateOf(journal.entries).lost.has(scene.vm);
      if (isLost) expect(victim, what).not.toBe('controller');
      const isTooLate = !isLost && (await scene.diedAfterwards(victim, before));
      await scene.check(told(), isLost || isTooLate);
      const ended = { 0: 'moved', 14: 'settled' }[Number(code)] ?? 'stayed';
      tally.add(victim, isTooLate ? 'too late' : isLost ? 'lost' : ended);
      await endDrain(context, drain);
      // Nobody but its owner knows that it has died.
      if (isTooLate) site.removeVm(scene.vm);
      if (isLost || isTooLate) await scene.replace();
    }
  },
  kills * settleMs,
);
