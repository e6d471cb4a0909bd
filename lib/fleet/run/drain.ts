// Drains a host: moves every VM that is there, one at a time, and goes on where an earlier process was killed.
import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { FakedirtyError } from '../../errors/error.js';
import { measurementFormat, type VmMeasurement } from '../../site/measurement.js';
import type { Move, MoveMethod } from '../../site/move.js';
import type { Place } from '../../site/place.js';
import { withoutInfinity } from '../../site/range.js';
import type { Card, HookName, Site } from '../../site/site.js';
import { predictMove } from '../../strategy/model/predict.js';
import type { MoveDriver, MoveProgress } from '../drivers/driver.js';
import { FleetStateError, PreflightError } from '../errors.js';
import type { TakenFolder } from '../journal/site-folder.js';
import type { FleetState } from '../journal/state.js';
import { type DrainPlan, planDrain, type SiteNow } from '../plan-drain.js';
import { type CarriedOut, carryOut } from './carry-out.js';
import { type HookFacts, runHook } from './hooks.js';
import { type DrainOutcome, nextMove } from './next-move.js';

const pollMs = 250;

/** What draining needs. */
export interface DrainOptions {
  /** The site. */
  readonly site: Site;
  /** The host to drain. */
  readonly host: string;
  /** How VMs are moved. */
  readonly method: MoveMethod;
  /** Moves that may fail before the drain stops. */
  readonly stopAfterFailures: number;
  /** No move begins that would not end by then, in milliseconds since 1970. */
  readonly byMs?: number | undefined;
  /** A move that sends nothing for so long is given up. */
  readonly stallMs: number;
  /** After so many moves a person looks, and has the rest follow. */
  readonly canary?: number | undefined;
  /** VMs that are to stay. */
  readonly leave: readonly string[];
  /** What was measured of VMs, by name. */
  readonly measurements: ReadonlyMap<string, VmMeasurement>;
}

/** Who carries it out, and for whom. */
export interface DrainContext {
  /** Where it is written down. */
  readonly taken: TakenFolder;
  /** What moves the VMs. */
  readonly driver: MoveDriver;
  /** Aborting it cancels the drain: the VM that is being moved stays. */
  readonly signal: AbortSignal;
  /** How far the move is that is under way; often. */
  readonly onProgress: (move: Move, progress: MoveProgress | undefined) => void;
  /** Something keeps a move from going on, and a person could help. */
  readonly onTrouble: (text: string) => void;
}

/** How a drain ended: as the last entry of its journal says, or with a question to a person, who settles it. */
export type DrainEnd = DrainOutcome | 'asked';

/** Where a VM is. */
function placeOf({ site }: Pick<DrainOptions, 'site'>, { places }: FleetState, vm: string): Place {
  const moved = places.get(vm);
  if (moved) return moved;
  const { host = '', qmp = '' } = site.vms[vm] ?? {};
  // libvirt knows it by its name as well.
  if (site.hosts[host]?.driver === 'libvirt') return { driver: 'libvirt', host, uuid: vm };
  return { driver: 'qmp', host, qmp };
}

/** Where everything is now. */
export function siteNow(site: Site, { places, lost, cordoned }: FleetState): SiteNow {
  const hostOf = new Map<string, string>();
  for (const [vm, { host }] of Object.entries(site.vms)) {
    if (!lost.has(vm)) hostOf.set(vm, places.get(vm)?.host ?? host);
  }
  return { hostOf, cordoned };
}

/** What the migration of a VM from one host to another has at most. */
function pathBytesPerSecond(site: Site, from: string, to: string): number {
  const cardOf = (name: string) => {
    const host = site.hosts[name];
    return host?.cards[host.arrivals.card];
  };
  return Math.min(
    leftOf(cardOf(from), 'transmitBytesPerSecond'),
    leftOf(cardOf(to), 'receiveBytesPerSecond'),
  );
}

/** What a card has for moves. */
function leftOf(
  card: Card | undefined,
  direction: 'transmitBytesPerSecond' | 'receiveBytesPerSecond',
): number {
  return card ? card[direction] - card.keepBytesPerSecond : Number.POSITIVE_INFINITY;
}

/** What a move may take at most: where something is kept for VMs, QEMU is told so. */
function limited(site: Site, from: string, to: string, method: MoveMethod): MoveMethod {
  const keeps = [from, to].some((name) => {
    const host = site.hosts[name];
    return (host?.cards[host.arrivals.card]?.keepBytesPerSecond ?? 0) > 0;
  });
  if (!keeps) return method;
  const left = Math.floor(pathBytesPerSecond(site, from, to));
  return { ...method, bytesPerSecond: Math.min(left, method.bytesPerSecond ?? left) };
}

/** What is known of a VM that nobody has measured. */
function described(site: Site, vm: string): VmMeasurement {
  const memoryBytes = site.vms[vm]?.memoryBytes ?? 0;
  return { format: measurementFormat, kind: 'vm', vm, atMs: Date.now(), memoryBytes };
}

/** How VMs are measured. */
export interface MeasureVmsOptions {
  /** The length of one of several measurements of each. */
  readonly seconds: number;
  /** One can't be measured. */
  readonly onTrouble: (text: string) => void;
}

/** Measures the VMs of a host one after the other, for about four times so long each; those that can't be are left out. */
export async function measureVms(
  { site, host }: Pick<DrainOptions, 'site' | 'host'>,
  state: FleetState,
  driver: MoveDriver,
  { seconds, onTrouble }: MeasureVmsOptions,
): Promise<ReadonlyMap<string, VmMeasurement>> {
  const measurements = new Map<string, VmMeasurement>();
  for (const [vm, at] of siteNow(site, state).hostOf) {
    if (at !== host || !driver.measure) continue;
    try {
      measurements.set(vm, await driver.measure(vm, placeOf({ site }, state, vm), seconds));
    } catch (error) {
      // The plan says then that nothing is known of it; what is in the way of moving it is found out next.
      if (!(error instanceof FakedirtyError)) throw error;
      onTrouble(`${vm} can't be measured: ${error.message}`);
    }
  }
  return measurements;
}

/** What a drain would do. Nothing is changed. */
export function plan(options: DrainOptions, state: FleetState): DrainPlan {
  const { site, host, method, leave } = options;
  const now = siteNow(site, state);
  // The host itself takes nothing meanwhile.
  const cordoned = new Set([...now.cordoned, host]);
  const planned = planDrain(
    site,
    host,
    { ...now, cordoned },
    {
      method,
      leave,
      predict: (vm, from, to, how) =>
        predictMove(
          options.measurements.get(vm) ?? described(site, vm),
          { bytesPerSecond: pathBytesPerSecond(site, from, to) },
          how,
        ),
    },
  );
  const moves = planned.moves.map((move) => ({
    ...move,
    method: limited(site, move.from, move.to, move.method),
  }));
  return { ...planned, moves, left: [...planned.left, ...lostAt(site, state, host)] };
}

/** VMs that were lost while they were moved from or to a host: whether somebody has started them again is not known. */
function lostAt(site: Site, { lost, places }: FleetState, host: string): DrainPlan['left'] {
  const reason = 'It was lost when it was moved. If it was started again, nobody here knows where.';
  return Object.entries(site.vms)
    .filter(([vm, described]) => lost.has(vm) && (places.get(vm)?.host ?? described.host) === host)
    .map(([vm]) => ({ vm, reason, isWanted: true }));
}

/** A plan is for what it was made from, and nothing else. */
function digestOf(site: Site, now: SiteNow): string {
  const made = { site, hostOf: [...now.hostOf], cordoned: [...now.cordoned].sort() };
  return createHash('sha256').update(JSON.stringify(made, withoutInfinity)).digest('hex');
}

/** All that is in the way, before anything is moved. */
export async function preflight(
  options: DrainOptions,
  state: FleetState,
  planned: DrainPlan,
  driver: MoveDriver,
): Promise<string[]> {
  const { moves, left } = planned;
  const problems = left
    .filter(({ isWanted }) => !isWanted)
    .map(({ vm, reason }) => `${vm}: ${reason}`);
  for (const { vm, to, method } of moves) {
    const source = placeOf(options, state, vm);
    for (const problem of await driver.preflight({ vm, source, to, method })) {
      problems.push(`${vm}: ${problem}`);
    }
  }
  return problems;
}

/** What is worth knowing of these moves, and in nobody's way. */
export async function remarks(
  options: DrainOptions,
  state: FleetState,
  planned: DrainPlan,
  driver: MoveDriver,
): Promise<string[]> {
  const all: string[] = [];
  for (const { vm, to, method } of planned.moves) {
    const source = placeOf(options, state, vm);
    for (const remark of await driver.remarks({ vm, source, to, method })) {
      all.push(`${vm}: ${remark}`);
    }
  }
  return all;
}

class Drain {
  readonly #options: DrainOptions;
  readonly #context: DrainContext;
  #isCancelledHere = false;

  constructor(options: DrainOptions, context: DrainContext) {
    this.#options = options;
    this.#context = context;
  }

  get #state(): FleetState {
    return this.#context.taken.state;
  }

  /** Obeys what people want; a move that is under way is given up where the drain is cancelled. */
  readonly obey = (): void => {
    const { taken, signal } = this.#context;
    taken.newWishes();
    if (signal.aborted && !this.#isCancelledHere) {
      const reason = String(signal.reason?.message ?? signal.reason);
      taken.append({ type: 'wish', wish: { wants: 'cancel', user: reason }, isSignal: true });
      // Not before it is written down: on a full disk it is tried again.
      this.#isCancelledHere = true;
    }
    const { open, drain } = this.#state;
    if (!drain?.isCancelled || !open || open.givenUp !== undefined) return;
    const reason = 'The drain was cancelled.';
    taken.append({ type: 'give-up', attempt: open.begin.attempt, reason });
  };

  async run(): Promise<DrainEnd> {
    const { taken } = this.#context;
    await this.#begin();
    const [outcome, reason] = await this.#moveAll();
    const { host } = this.#options;
    if (outcome !== 'asked') taken.append({ type: 'drained', host, outcome, reason });
    return outcome;
  }

  /** Begins a drain, or goes on with one whose process was killed. */
  async #begin(): Promise<void> {
    const { site, host, stopAfterFailures, byMs, canary } = this.#options;
    const { taken, driver } = this.#context;
    const { drain } = this.#state;
    if (drain && drain.begin.host !== host) {
      throw new FleetStateError(
        `A drain of ${drain.begin.host} is under way: "fakedirty drain ${drain.begin.host}" goes on with it, and "fakedirty cancel" ends it.`,
      );
    }
    if (drain?.plan) return;
    // One that was killed before it had a plan, and can't have one, is ended all the same.
    if (drain) this.obey();
    if (this.#state.drain?.isCancelled) return;
    // What was wanted of an earlier drain at its very end is nothing that this one is to obey.
    if (!drain) taken.newWishes();
    const planned = plan(this.#options, this.#state);
    const problems = await preflight(this.#options, this.#state, planned, driver);
    if (problems.length > 0) throw new PreflightError(problems);
    for (const text of await remarks(this.#options, this.#state, planned, driver)) {
      this.#context.onTrouble(text);
    }
    const limits = {
      ...{ stopAfterFailures, windows: site.windows },
      ...(byMs === undefined ? {} : { byMs }),
      ...(canary === undefined ? {} : { canary }),
    };
    if (!drain) taken.append({ type: 'drain', host, options: limits });
    const uncordoned = await this.#hook('cordon', {});
    if (uncordoned !== undefined) {
      taken.append({ type: 'drained', host, outcome: 'stopped', reason: uncordoned });
      throw new PreflightError([uncordoned]);
    }
    const digest = digestOf(site, siteNow(site, this.#state));
    taken.append({ type: 'plan', digest, ...planned });
  }

  async #moveAll(): Promise<readonly [DrainEnd, string]> {
    const { taken, onTrouble } = this.#context;
    const { open } = this.#state;
    if (open && (await this.#carryOut(open.begin.move)) === 'asked') return asked;
    let told = '';
    for (;;) {
      this.obey();
      const { drain } = this.#state;
      if (!drain) throw new FleetStateError('The drain has ended.');
      const next = nextMove(drain, Date.now());
      if (next.do === 'end') return [next.outcome, next.reason];
      if (taken.isFull) return ['stopped', 'The disk of its journal is full.'];
      if (next.do === 'wait') {
        if (next.reason !== told) onTrouble(next.reason);
        told = next.reason;
        await pause(pollMs);
      } else if ((await this.#move(next.move)) === 'asked') return asked;
    }
  }

  async #move(move: Move): Promise<CarriedOut> {
    const { taken, driver } = this.#context;
    const { vm, from, to, method } = move;
    const number = (this.#state.attempts.get(vm) ?? 0) + 1;
    const attempt = `${vm}-${this.#state.mark}-${number}`;
    const place = placeOf(this.#options, this.#state, vm);
    const identified = await this.#identify(place);
    const source = typeof identified === 'string' ? place : identified;
    const arrival = driver.arrival({ vm, source, to, method }, attempt);
    // Whoever is killed between the two has it run once more.
    const refused =
      typeof identified === 'string' ? identified : await this.#hook('before', { vm, from, to });
    taken.append({ type: 'attempt', attempt, move, source, ...arrival });
    if (refused === undefined) return await this.#carryOut(move);
    const reason = `${refused} The guest was not touched.`;
    taken.append({ type: 'ended', attempt, outcome: 'stayed', reason });
    return 'stayed';
  }

  /** The place with what the VM is known by; or why that can't be known. */
  async #identify(place: Place): Promise<Place | string> {
    try {
      return await this.#context.driver.identify(place);
    } catch (error) {
      if (!(error instanceof FakedirtyError)) throw error;
      return `It can't be asked: ${error.message}`;
    }
  }

  async #hook(name: HookName, facts: HookFacts): Promise<string | undefined> {
    const { site, host } = this.#options;
    return await runHook(site, name, { host, ...facts });
  }

  async #carryOut(move: Move): Promise<CarriedOut> {
    const { taken, driver, onProgress, onTrouble } = this.#context;
    const outcome = await carryOut({
      taken,
      driver,
      onTrouble,
      stallMs: this.#options.stallMs,
      obey: this.obey,
      onProgress: (progress) => onProgress(move, progress),
    });
    if (outcome === 'asked') return outcome;
    const { vm, from, to } = move;
    const reason = await this.#hook('after', { vm, from, to, outcome });
    if (reason !== undefined) taken.append({ type: 'trouble', reason });
    return outcome;
  }
}

const asked = ['asked', 'A person has to look.'] as const;

/** Drains a host. Throws PreflightError, with nothing moved, when it can't be done as asked. */
export async function drain(options: DrainOptions, context: DrainContext): Promise<DrainEnd> {
  return await new Drain(options, context).run();
}
