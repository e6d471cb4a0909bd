// What the cost and the worth of the filter in QEMU are judged by: guests, links, and who takes part.
import type { GuestOptions } from '../../lib/qemu/machine/guest.js';
import type { FakeDirtyHash } from '../../lib/qmp/schema/fake-dirty.js';
import type { MigrationMethod } from '../../test/harness/migration-plan.js';

export interface Contestant {
  readonly name: string;
  readonly patched: boolean;
  readonly method: MigrationMethod;
}

/**
 * What a goal bounds. Times and bytes are multiples of the scenario's first contestant's; of `time after, 95 %` it is the
 * upper end of the 95 % confidence interval, round by round. The others are absolute: nanoseconds for a page, and
 * milliseconds beside three looks at all pages.
 */
export const figureNames = [
  'total time',
  'bytes after',
  'pages again',
  'time after',
  'time after, 95 %',
  'filter a page',
  'time after but three looks',
] as const;
export type Figure = (typeof figureNames)[number];

/** A bound for the median over the rounds. */
export interface Goal {
  readonly figure: Figure;
  readonly contestant: string;
  readonly max: number;
}

export interface Scenario {
  readonly name: string;
  readonly about: string;
  readonly guest: GuestOptions;
  /** 0: as fast as it goes; then the guest gets so much memory that a pass takes a while on every machine. */
  readonly bytesPerSecond: number;
  /** Walks of memory before the migration may end: the same work for everybody. */
  readonly passes: number;
  /** It may end earlier when what is left takes no longer than this. */
  readonly downtimeMs?: number;
  /** The first is what the others are compared with. */
  readonly contestants: readonly Contestant[];
  readonly goals: readonly Goal[];
}

const gigabit = 125_000_000;
/** Pages. */
const mib = 256;

function channels(count: number): MigrationMethod {
  return { multifd: { channels: count } };
}

function unpatched(method: MigrationMethod = {}): Contestant {
  return { name: 'unpatched', patched: false, method };
}

function off(method: MigrationMethod = {}): Contestant {
  return { name: 'filter off', patched: true, method };
}

/** Looks at every page, also where nothing is fake: what the hash costs. */
function everyPage(hash: FakeDirtyHash, method: MigrationMethod = {}): Contestant {
  return {
    name: hash,
    patched: true,
    method: { ...method, filter: { hash, acceptUnsafeHash: true, sampling: false } },
  };
}

/** The filter as users have it. */
const byDefault: Contestant = { name: 'default', patched: true, method: { filter: {} } };

export const scenarios: readonly Scenario[] = [
  {
    name: 'nothing-fake',
    about: 'random writes, no bandwidth limit',
    guest: { pattern: 'random', pages: 256 * mib },
    bytesPerSecond: 0,
    passes: 3,
    contestants: [
      unpatched(),
      off(),
      byDefault,
      ...(['ph128', 'sha1', 'md5'] as const).map((hash) => everyPage(hash)),
    ],
    goals: [
      { figure: 'time after, 95 %', contestant: 'default', max: 1.01 },
      { figure: 'total time', contestant: 'ph128', max: 1.06 },
      { figure: 'filter a page', contestant: 'ph128', max: 250 },
      { figure: 'filter a page', contestant: 'sha1', max: 900 },
      { figure: 'filter a page', contestant: 'md5', max: 650 },
    ],
  },
  {
    name: 'nothing-fake-1gbit',
    about: 'random writes, 1 Gbit/s',
    guest: { pattern: 'random', pages: 128 * mib },
    bytesPerSecond: gigabit,
    passes: 2,
    contestants: [unpatched(), byDefault, everyPage('ph128')],
    goals: [
      { figure: 'total time', contestant: 'default', max: 1.01 },
      { figure: 'total time', contestant: 'ph128', max: 1.01 },
    ],
  },
  {
    name: 'all-fake',
    about: 'values stored over themselves, no bandwidth limit',
    guest: { pattern: 'rewrite', pages: 256 * mib },
    bytesPerSecond: 0,
    passes: 3,
    contestants: [unpatched(), byDefault],
    goals: [{ figure: 'bytes after', contestant: 'default', max: 0.01 }],
  },
  {
    name: 'all-fake-50ms',
    about: 'the same, and may end when 50 ms suffice for the rest',
    guest: { pattern: 'rewrite', pages: 256 * mib },
    bytesPerSecond: 0,
    passes: 3,
    downtimeMs: 50,
    contestants: [unpatched(), byDefault],
    goals: [
      { figure: 'pages again', contestant: 'default', max: 0.01 },
      { figure: 'time after but three looks', contestant: 'default', max: 5 },
    ],
  },
  {
    name: 'all-fake-1gbit',
    about: 'values stored over themselves, 1 Gbit/s',
    guest: { pattern: 'rewrite', pages: 128 * mib },
    bytesPerSecond: gigabit,
    passes: 3,
    contestants: [unpatched(), byDefault],
    goals: [
      { figure: 'bytes after', contestant: 'default', max: 0.01 },
      { figure: 'time after', contestant: 'default', max: 0.1 },
    ],
  },
  {
    name: 'multifd',
    about: 'random writes, two channels where nothing else is said, no bandwidth limit',
    guest: { pattern: 'random', pages: 256 * mib },
    bytesPerSecond: 0,
    passes: 3,
    contestants: [
      unpatched(channels(2)),
      everyPage('ph128', channels(2)),
      everyPage('sha1', channels(2)),
      { ...everyPage('sha1', channels(1)), name: 'sha1, one channel' },
    ],
    goals: [],
  },
];
