// Before a drain: what it would do, what is in the way of that, and what is worth knowing of it. Nothing is changed.
import { createHash } from 'node:crypto';
import { checkOptions, optionNames } from '../../errors/check-options.js';
import { FakedirtyError } from '../../errors/error.js';
import { didYouMean } from '../../errors/nearest.js';
import { measurementFormat, type VmMeasurement } from '../../site/measurement.js';
import type { MoveMethod } from '../../site/move.js';
import type { Place } from '../../site/place.js';
import { withoutInfinity } from '../../site/range.js';
import type { Card, Site } from '../../site/site.js';
import { type ChooseMethodOptions, chooseMethod } from '../../strategy/method/choose-method.js';
import { predictMove } from '../../strategy/model/predict.js';
import type { MoveDriver, Target } from '../drivers/driver.js';
import { ActError, FleetStateError } from '../errors.js';
import type { FleetState } from '../journal/state.js';
import { type ChosenForMove, type DrainPlan, planDrain, type SiteNow } from '../plan-drain.js';

/** What draining needs. */
export interface DrainOptions {
  /** The site. */
  readonly site: Site;
  /** The host to drain. */
  readonly host: string;
  /** How VMs are moved. */
  readonly method: MoveMethod;
  /** Has the method chosen for each VM that was measured, by whom and for what; of `method` the limits hold then. */
  readonly choose?: Pick<ChooseMethodOptions, 'by' | 'goal'> | undefined;
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

const drainNames = optionNames<DrainOptions>({
  site: true,
  host: true,
  method: true,
  choose: true,
  stopAfterFailures: true,
  byMs: true,
  stallMs: true,
  canary: true,
  leave: true,
  measurements: true,
});

/** A misspelt option would be ignored without a word. */
export function checkDrainOptions(options: DrainOptions): void {
  checkOptions(options, drainNames);
}

const measureNames = optionNames<MeasureVmsOptions>({ seconds: true, onTrouble: true });

/** Where a VM is. */
export function placeOf(
  { site }: Pick<DrainOptions, 'site'>,
  { places }: FleetState,
  vm: string,
): Place {
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
  drained: Pick<DrainOptions, 'site' | 'host'>,
  state: FleetState,
  driver: MoveDriver,
  options: MeasureVmsOptions,
): Promise<ReadonlyMap<string, VmMeasurement>> {
  checkOptions(options, measureNames);
  const { site, host } = drained;
  const { seconds, onTrouble } = options;
  const measurements = new Map<string, VmMeasurement>();
  for (const [vm, at] of siteNow(site, state).hostOf) {
    if (at !== host) continue;
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

/** How a VM is moved over a path, where it can't go on in post-copy for the reason that is given. */
function chosenFor(
  { choose, method, measurements }: DrainOptions,
  vm: string,
  linkBytesPerSecond: number,
  whyNoPostCopy: string | undefined,
): ChosenForMove {
  if (!choose) return { method, reasons: [] };
  const measurement = measurements.get(vm);
  if (!measurement) {
    return { method, reasons: ['How it writes is not known: that is the method for such VMs.'] };
  }
  const chosen = chooseMethod(measurement, {
    ...choose,
    linkBytesPerSecond,
    downtimeLimitMs: method.downtimeLimitMs,
    filterPossible: method.hash !== undefined,
    postCopyPossible: whyNoPostCopy === undefined,
    whyNoPostCopy,
  });
  const { name, policy, hash } = chosen.method;
  const filter = hash === undefined ? {} : { hash: method.hash };
  const { downtimeLimitMs, bytesPerSecond } = method;
  const limits = { downtimeLimitMs, bytesPerSecond };
  return { method: { name, policy, ...filter, ...limits }, reasons: [chosen.reason] };
}

/** What a drain would do, where some VMs can't go on in post-copy. Nothing is changed. */
export function plan(
  options: DrainOptions,
  state: FleetState,
  noPostCopy: ReadonlyMap<string, string> = new Map(),
): DrainPlan {
  checkDrainOptions(options);
  const { site, host, leave } = options;
  const now = siteNow(site, state);
  // The host itself takes nothing meanwhile.
  const cordoned = new Set([...now.cordoned, host]);
  const planned = planDrain(
    site,
    host,
    { ...now, cordoned },
    {
      chooseMethod: (vm, from, to) =>
        chosenFor(options, vm, pathBytesPerSecond(site, from, to), noPostCopy.get(vm)),
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

/** A plan in which no VM that has its method chosen is to go on in post-copy where that would be refused. */
async function planWithWhatIsPossible(
  options: DrainOptions,
  state: FleetState,
  driver: MoveDriver,
): Promise<DrainPlan> {
  const planned = plan(options, state);
  if (!options.choose) return planned;
  const noPostCopy = new Map<string, string>();
  for (const { vm, to, method } of planned.moves) {
    if (method.name === 'pre-copy') continue;
    const target = { vm, source: placeOf(options, state, vm), to };
    const preCopy: MoveMethod = { ...method, name: 'pre-copy', policy: [] };
    const inAnyCase = await driver.preflight({ ...target, method: preCopy });
    const all = await driver.preflight({ ...target, method });
    const ofPostCopy = all.filter((problem) => !inAnyCase.includes(problem));
    if (ofPostCopy.length > 0) noPostCopy.set(vm, ofPostCopy.join('; '));
  }
  return noPostCopy.size > 0 ? plan(options, state, noPostCopy) : planned;
}

/**
 * What a drain would do, with guests that run on the host although the site has them elsewhere, or not at all: a host that
 * still has some is not empty. Nothing is changed.
 */
export async function completePlan(
  options: DrainOptions,
  state: FleetState,
  driver: MoveDriver,
): Promise<DrainPlan> {
  const planned = await planWithWhatIsPossible(options, state, driver);
  const { site, host, leave } = options;
  const { hostOf } = siteNow(site, state);
  const guests = await guestsOn(driver, host);
  if (typeof guests === 'string') {
    const reason = `It can't be asked which guests it has: ${guests}`;
    return { ...planned, left: [...planned.left, { vm: host, reason, isWanted: false }] };
  }
  const strangers = guests.filter((name) => hostOf.get(name) !== host);
  for (const name of leave) if (!strangers.includes(name)) checkVm(site, name);
  const left = strangers.map((vm) => {
    const reason = strangerText(vm, host, Object.hasOwn(site.vms, vm), hostOf.get(vm));
    return { vm, reason, isWanted: leave.includes(vm) };
  });
  const known = planned.left.filter(({ vm }) => !strangers.includes(vm));
  return { ...planned, left: [...known, ...left] };
}

/** The guests of a host, or why nobody knows them. */
async function guestsOn(driver: MoveDriver, host: string): Promise<readonly string[] | string> {
  try {
    return await driver.guestsOn(host);
  } catch (error) {
    if (!(error instanceof ActError)) throw error;
    return error.message;
  }
}

/** Throws unless the site has a VM of that name. */
export function checkVm({ vms }: Site, vm: string): void {
  if (Object.hasOwn(vms, vm)) return;
  throw new FleetStateError(`The site has no VM '${vm}'.${didYouMean(vm, Object.keys(vms))}`);
}

function strangerText(vm: string, host: string, isDescribed: boolean, at: string | undefined) {
  if (!isDescribed) {
    return `It runs on ${host}, and the site does not describe it: describe it, or leave it there (--leave ${vm}).`;
  }
  if (at === undefined) {
    return `${host} has a guest of that name, and it was lost when it was moved: end what is left of it, or, if it was started again, "fakedirty place ${vm} ${host}".`;
  }
  return `It runs on ${host}, and is remembered at ${at}: "fakedirty place ${vm} ${host}" says where it is.`;
}

/** VMs that were lost while they were moved from or to a host: whether somebody has started them again is not known. */
function lostAt(site: Site, { lost, places }: FleetState, host: string): DrainPlan['left'] {
  const reason =
    'It was lost when it was moved. If it was started again, "fakedirty place" says where.';
  return Object.entries(site.vms)
    .filter(([vm, described]) => lost.has(vm) && (places.get(vm)?.host ?? described.host) === host)
    .map(([vm]) => ({ vm, reason, isWanted: true }));
}

/** A plan is for what it was made from, and nothing else. */
export function digestOf(site: Site, now: SiteNow): string {
  const made = { site, hostOf: [...now.hostOf], cordoned: [...now.cordoned].sort() };
  return createHash('sha256').update(JSON.stringify(made, withoutInfinity)).digest('hex');
}

/** What a driver says of each move, with the VM of which it says so. */
async function ofEachMove(
  options: DrainOptions,
  state: FleetState,
  { moves }: DrainPlan,
  ask: (target: Target) => Promise<readonly string[]>,
): Promise<string[]> {
  const all: string[] = [];
  for (const { vm, to, method } of moves) {
    const source = placeOf(options, state, vm);
    for (const text of await ask({ vm, source, to, method })) all.push(`${vm}: ${text}`);
  }
  return all;
}

/** All that is in the way, before anything is moved. */
export async function preflight(
  options: DrainOptions,
  state: FleetState,
  planned: DrainPlan,
  driver: MoveDriver,
): Promise<string[]> {
  checkDrainOptions(options);
  const problems = planned.left
    .filter(({ isWanted }) => !isWanted)
    .map(({ vm, reason }) => `${vm}: ${reason}`);
  const found = await ofEachMove(options, state, planned, (target) => driver.preflight(target));
  return [...problems, ...found];
}

/** What is worth knowing of these moves, and in nobody's way. */
export async function remarks(
  options: DrainOptions,
  state: FleetState,
  planned: DrainPlan,
  driver: MoveDriver,
): Promise<string[]> {
  checkDrainOptions(options);
  return await ofEachMove(options, state, planned, (target) => driver.remarks(target));
}
