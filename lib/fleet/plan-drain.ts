// Which VMs leave a host, to where, in which order. Pure. Small ones first: they are gone soon, and what is learned
// from them costs least.
import { mebibyte } from '../format/bytes.js';
import { bytesText } from '../format/text.js';
import type { Move, MoveMethod, MovePrediction } from '../site/move.js';
import type { Plan } from '../site/plan.js';
import type { Host, Site } from '../site/site.js';

/** What is known of a site beside its description. */
export interface SiteNow {
  /** The host of each VM, by name; VMs that are left out are nowhere. */
  readonly hostOf: ReadonlyMap<string, string>;
  /** Hosts that take nothing. */
  readonly cordoned: ReadonlySet<string>;
}

/** What a drain is to do: a plan, but for what it was made from. */
export type DrainPlan = Omit<Plan, 'digest'>;

/** Predicts what a move would cost. */
export type Predict = (vm: string, from: string, to: string, method: MoveMethod) => MovePrediction;

/** How one VM is to be moved, and why so. */
export interface ChosenForMove {
  readonly method: MoveMethod;
  readonly reasons: readonly string[];
}

/** How a drain is planned. */
export interface PlanOptions {
  readonly chooseMethod: (vm: string, from: string, to: string) => ChosenForMove;
  /** VMs that are to stay. */
  readonly leave: readonly string[];
  readonly predict: Predict;
}

/** The memory of these VMs. */
function sizeOf(site: Site, vms: readonly string[]): number {
  return vms.reduce((sum, vm) => sum + (site.vms[vm]?.memoryBytes ?? 0), 0);
}

/** Memory that is left on a host, with these VMs on it. */
function freeBytes(site: Site, host: string, hostOf: ReadonlyMap<string, string>): number {
  const there = [...hostOf].filter(([, at]) => at === host).map(([vm]) => vm);
  return (site.hosts[host]?.memoryBytes ?? 0) - sizeOf(site, there);
}

/** Why a VM may not be on a host, by the rules alone; undefined if it may. */
function forbidden(site: Site, vm: string, host: string, hostOf: ReadonlyMap<string, string>) {
  for (const rule of site.rules) {
    if ('stay' in rule && rule.stay.includes(vm)) return 'a rule has it stay';
    if ('only' in rule && rule.only.includes(vm) && !rule.on.includes(host)) {
      return `a rule has it on ${rule.on.join(' or ')} alone`;
    }
    if ('apart' in rule && rule.apart.includes(vm)) {
      const other = rule.apart.find((each) => each !== vm && hostOf.get(each) === host);
      if (other !== undefined) return `a rule has it apart from ${other}`;
    }
  }
  return undefined;
}

/** VMs that a rule has on one host, the VM itself among them. */
function groupOf(site: Site, vm: string): readonly string[] {
  const group = new Set([vm]);
  for (const each of group) {
    for (const rule of site.rules) {
      if ('together' in rule && rule.together.includes(each)) {
        for (const other of rule.together) group.add(other);
      }
    }
  }
  return [...group];
}

interface Candidate {
  readonly host: string;
  readonly freeBytes: number;
}

/** Why a host takes none of these VMs; undefined if it takes them all. */
function refusal(
  site: Site,
  vms: readonly string[],
  [name, host]: readonly [string, Host],
  from: string,
  now: SiteNow,
): string | undefined {
  const driver = site.hosts[from]?.driver;
  if (now.cordoned.has(name)) return 'takes nothing until "fakedirty uncordon"';
  if (host.driver !== driver) return `is driven by ${host.driver}, and ${from} by ${driver}`;
  const needed = sizeOf(site, vms);
  const free = freeBytes(site, name, now.hostOf);
  if (needed > free)
    return `has ${bytesText(Math.max(0, free))} left, and ${bytesText(needed)} are needed`;
  for (const vm of vms) {
    const reason = forbidden(site, vm, name, now.hostOf);
    if (reason !== undefined) return `may not have ${vm}: ${reason}`;
  }
  return undefined;
}

/** Where these VMs go together: to the host that has most memory left afterwards. */
function choose(
  site: Site,
  vms: readonly string[],
  from: string,
  now: SiteNow,
): Candidate | string[] {
  const refusals: string[] = [];
  let best: Candidate | undefined;
  for (const each of Object.entries(site.hosts)) {
    const [host] = each;
    if (host === from) continue;
    const reason = refusal(site, vms, each, from, now);
    if (reason !== undefined) {
      refusals.push(`${host} ${reason}`);
      continue;
    }
    const free = freeBytes(site, host, now.hostOf);
    if (!best || free > best.freeBytes) best = { host, freeBytes: free };
  }
  return best ?? refusals;
}

/** What a host's drain is to do. */
export function planDrain(
  site: Site,
  from: string,
  now: SiteNow,
  { chooseMethod, leave, predict }: PlanOptions,
): DrainPlan {
  const hostOf = new Map(now.hostOf);
  const all = [...hostOf].filter(([, host]) => host === from).map(([vm]) => vm);
  const here = all.filter((vm) => !leave.includes(vm));
  const groups = new Map<string, readonly string[]>();
  for (const vm of here) {
    const group = groupOf(site, vm)
      .filter((each) => here.includes(each))
      .sort();
    groups.set(group.join(' '), group);
  }
  const ordered = [...groups.values()].sort(
    (one, other) =>
      sizeOf(site, one) - sizeOf(site, other) || (one[0] ?? '').localeCompare(other[0] ?? ''),
  );
  const moves: Move[] = [];
  const left = all
    .filter((vm) => leave.includes(vm))
    .map((vm) => ({ vm, reason: 'As asked.', isWanted: true }));
  for (const group of ordered) {
    const chosen = choose(site, group, from, { ...now, hostOf });
    if ('length' in chosen) {
      const why = chosen.length > 0 ? chosen.join('; ') : 'there is no other host';
      for (const vm of group)
        left.push({ vm, reason: `No host takes it: ${why}.`, isWanted: false });
      continue;
    }
    const inOrder = group.toSorted((one, other) => sizeOf(site, [one]) - sizeOf(site, [other]));
    for (const vm of inOrder) {
      hostOf.set(vm, chosen.host);
      const { method, reasons } = chooseMethod(vm, from, chosen.host);
      moves.push({
        vm,
        from,
        to: chosen.host,
        method,
        reasons: [
          `${chosen.host} has the most memory left: ${bytesText(chosen.freeBytes)}.`,
          `Smallest first: ${Math.round(sizeOf(site, [vm]) / mebibyte)} MiB.`,
          ...(group.length > 1
            ? [`It goes with ${group.filter((each) => each !== vm).join(', ')}.`]
            : []),
          ...reasons,
        ],
        predicted: predict(vm, from, chosen.host, method),
      });
    }
  }
  return { moves, left };
}
