// One move of one VM at work between two real daemons of libvirt, as a controller carries it out.
import { expect, type TestContext } from 'vitest';
import type { MoveDriver } from '../../lib/fleet/drivers/driver.js';
import { LibvirtDriver } from '../../lib/fleet/drivers/libvirt/driver.js';
import type { EntryOf, FleetEntry } from '../../lib/fleet/journal/entries.js';
import { SiteFolder, type TakenFolder } from '../../lib/fleet/journal/site-folder.js';
import { type CarriedOut, carryOut } from '../../lib/fleet/run/carry-out.js';
import type { Move, MoveMethod } from '../../lib/site/move.js';
import { methodSchema } from '../../lib/site/move.js';
import { LibvirtHosts, type LibvirtVm } from './libvirt-hosts.js';
import { needQemu } from './requirements.js';

const unknown = { low: 0, expected: 0, high: Number.POSITIVE_INFINITY };
export const flip = { pattern: 'flip', pages: 6000, wordsPerPage: 4 } as const;
/** Writes more than a slow link carries: it does not end by itself. */
export const busy = { pattern: 'random', pages: 3000, spins: 500 } as const;
export const slow = { megabitsPerSecond: 40 };
export const postCopy = methodSchema.parse({ name: 'post-copy' });

/** A controller that is killed does nothing more, not even cleaning up. */
export class Killed extends Error {}

export interface TrialOptions {
  readonly method?: MoveMethod;
  readonly megabitsPerSecond?: number;
}

/** Two hosts, a VM on the first one, and an attempt to move it to the second one. */
export class LibvirtTrial {
  readonly #driver: MoveDriver;
  /** What a test does once, as soon as both sides look like that. */
  readonly #plans: { readonly when: string; readonly what: () => unknown }[] = [];
  readonly #done: Promise<unknown>[] = [];
  #isKilled = false;
  /** By default libvirt itself has to find out that a link is down. */
  stallMs = Number.POSITIVE_INFINITY;

  private constructor(
    readonly hosts: LibvirtHosts,
    readonly taken: TakenFolder,
    driver: MoveDriver,
  ) {
    this.#driver = driver;
    taken.onEntry = (entry) => this.#onEntry(entry);
  }

  static async start(
    context: TestContext,
    vm: Omit<LibvirtVm, 'host'>,
    {
      method = methodSchema.parse({ name: 'pre-copy' }),
      megabitsPerSecond = 1000,
    }: TrialOptions = {},
  ): Promise<LibvirtTrial> {
    const { binary } = needQemu(context);
    const vms = { vm: { host: 'h1', ...vm } };
    const hosts = await LibvirtHosts.start(context, { binary, vms, megabitsPerSecond });
    const driver: MoveDriver = new LibvirtDriver(hosts.site);
    const folder = new SiteFolder(hosts.workspace.path('state'));
    const taken = await folder.take('site.yaml', 'a test');
    context.onTestFinished(() => taken[Symbol.asyncDispose]());
    const trial = new LibvirtTrial(hosts, taken, driver);
    await trial.begin(method);
    return trial;
  }

  async begin(method: MoveMethod): Promise<void> {
    const predicted = { timeMs: unknown, bytes: unknown, downtimeMs: unknown };
    const move: Move = { vm: 'vm', from: 'h1', to: 'h2', method, reasons: [], predicted };
    const source = await this.#driver.identify({ driver: 'libvirt', host: 'h1', uuid: 'vm' });
    const attempt = 'vm-1';
    const arrival = await this.#driver.arrival({ vm: 'vm', source, to: 'h2', method }, attempt);
    this.taken.append({ type: 'attempt', attempt, move, source, ...arrival });
  }

  /** Does something as soon as source and destination look like that. */
  when(when: string, what: () => unknown): void {
    this.#plans.push({ when, what });
  }

  #onEntry(entry: FleetEntry): void {
    if (entry.type !== 'seen') return;
    const seen = `${entry.source}, ${entry.destination}`;
    const at = this.#plans.findIndex(({ when }) => when === seen);
    const [plan] = at < 0 ? [] : this.#plans.splice(at, 1);
    if (plan) this.#done.push(Promise.resolve(plan.what()));
  }

  /** The controller is killed before its next step. */
  kill(): void {
    this.#isKilled = true;
  }

  giveUp(): void {
    this.taken.append({ type: 'give-up', attempt: 'vm-1', reason: 'It was enough.' });
  }

  /** Carries the attempt that is open to its end; throws Killed when its controller is killed. */
  async goOn(): Promise<CarriedOut> {
    this.#isKilled = false;
    const obey = () => {
      if (this.#isKilled) throw new Killed();
    };
    const driver = this.#driver;
    const outcome = await carryOut({
      taken: this.taken,
      driver,
      obey,
      onProgress: () => {},
      onTrouble: () => {},
      stallMs: this.stallMs,
    });
    expect(this.#plans).toEqual([]);
    await Promise.all(this.#done);
    return outcome;
  }

  /** How the attempt ended. */
  get ended(): EntryOf<'ended'> | undefined {
    return this.taken.entries.findLast((entry) => entry.type === 'ended');
  }

  /** What its policy has chosen. */
  get decided(): EntryOf<'decided'>['decision'] | undefined {
    return this.taken.entries.findLast((entry) => entry.type === 'decided')?.decision;
  }

  /** All that was seen of both sides. */
  get seen(): string[] {
    return this.taken.entries.flatMap((entry) =>
      entry.type === 'seen' ? [`${entry.source}, ${entry.destination}`] : [],
    );
  }

  /** The guest is right where it runs, and is nowhere else. */
  async expectOnly(at: 'h1' | 'h2'): Promise<void> {
    const other = at === 'h1' ? 'h2' : 'h1';
    expect(await this.hosts.state('vm', other)).toBeUndefined();
    expect(await this.hosts.state('vm', at)).toBe('running');
    expect((await this.hosts.guest('vm', at)).wrongWords).toBe(0);
  }
}
