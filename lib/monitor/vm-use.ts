// What a VM uses: the difference between two readings of its counters. Pure.
import type { VmCounters } from './counters.js';
import type { VmUse } from './observation.js';

type Named = { readonly name: string };

/** Pairs of what is in both readings; a counter that has begun anew, or is new, has no rate yet. */
function pairs<Counter extends Named>(
  before: readonly Counter[] | undefined,
  after: readonly Counter[] | undefined,
): [Counter, Counter][] | undefined {
  if (!before || !after) return undefined;
  const earlier = new Map(before.map((counter) => [counter.name, counter]));
  return after.flatMap((counter): [Counter, Counter][] => {
    const first = earlier.get(counter.name);
    return first && !hasBegunAnew(first, counter) ? [[first, counter]] : [];
  });
}

function hasBegunAnew<Counter extends Named>(before: Counter, after: Counter): boolean {
  return Object.keys(after).some((name) => {
    const [first, last] = [before[name as keyof Counter], after[name as keyof Counter]];
    return typeof first === 'number' && typeof last === 'number' && last < first;
  });
}

function vanished(
  before: readonly Named[] | undefined,
  after: readonly Named[] | undefined,
): string[] {
  if (!before || !after) return [];
  const there = new Set(after.map(({ name }) => name));
  return before.map(({ name }) => name).filter((name) => !there.has(name));
}

/** What was used between two readings; undefined where no time lies between them. */
export function useBetween(before: VmCounters, after: VmCounters): VmUse | undefined {
  const seconds = (after.clockMs - before.clockMs) / 1000;
  if (!(seconds > 0)) return undefined;
  const vcpus = pairs(before.vcpus, after.vcpus)?.map(([first, { name, busyMs }]) => ({
    name,
    share: (busyMs - first.busyMs) / 1000 / seconds,
  }));
  const interfaces = pairs(before.interfaces, after.interfaces)?.map(([first, last]) => ({
    name: last.name,
    transmitBytesPerSecond: (last.transmittedBytes - first.transmittedBytes) / seconds,
    receiveBytesPerSecond: (last.receivedBytes - first.receivedBytes) / seconds,
  }));
  return {
    seconds,
    ...(vcpus ? { vcpus } : {}),
    ...(interfaces ? { interfaces } : {}),
    disks: (pairs(before.disks, after.disks) ?? []).map(([first, last]) => ({
      name: last.name,
      readBytesPerSecond: (last.readBytes - first.readBytes) / seconds,
      writeBytesPerSecond: (last.writtenBytes - first.writtenBytes) / seconds,
    })),
    vanished: [
      ...vanished(before.vcpus, after.vcpus),
      ...vanished(before.interfaces, after.interfaces),
      ...vanished(before.disks, after.disks),
    ],
  };
}

/** The newer figures of each part, smoothed by the older ones: `weight` is what the newest counts for, up to 1. */
function smoothedParts<Part extends Named>(
  before: readonly Part[] | undefined,
  now: readonly Part[] | undefined,
  weight: number,
): Part[] | undefined {
  const earlier = new Map(before?.map((part) => [part.name, part]));
  return now?.map((part) => {
    const first = earlier.get(part.name);
    if (!first) return part;
    const members = Object.entries(part).map(([name, value]) => {
      const last = first[name as keyof Part];
      const isNumber = typeof value === 'number' && typeof last === 'number';
      return [name, isNumber ? last + weight * (value - last) : value];
    });
    return Object.fromEntries(members) as Part;
  });
}

/** Exponential smoothing; what is new counts in full. */
export function smoothed(before: VmUse | undefined, now: VmUse, weight: number): VmUse {
  const vcpus = smoothedParts(before?.vcpus, now.vcpus, weight);
  const interfaces = smoothedParts(before?.interfaces, now.interfaces, weight);
  return {
    ...now,
    ...(vcpus ? { vcpus } : {}),
    ...(interfaces ? { interfaces } : {}),
    disks: smoothedParts(before?.disks, now.disks, weight) ?? [],
  };
}

/** All of its parts together. */
export interface TotalUse {
  readonly processors: number | undefined;
  readonly transmitBytesPerSecond: number | undefined;
  readonly receiveBytesPerSecond: number | undefined;
  readonly readBytesPerSecond: number;
  readonly writeBytesPerSecond: number;
}

/** Adds up what the parts of a VM use. */
export function totalUse({ vcpus, interfaces, disks }: VmUse): TotalUse {
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  return {
    processors: vcpus && sum(vcpus.map(({ share }) => share)),
    transmitBytesPerSecond:
      interfaces && sum(interfaces.map((each) => each.transmitBytesPerSecond)),
    receiveBytesPerSecond: interfaces && sum(interfaces.map((each) => each.receiveBytesPerSecond)),
    readBytesPerSecond: sum(disks.map((disk) => disk.readBytesPerSecond)),
    writeBytesPerSecond: sum(disks.map((disk) => disk.writeBytesPerSecond)),
  };
}
