// memcached in the guest, and a load generator outside of it: native/guest/linux/key-value-load.c.
import { z } from 'zod';
import { mebibyte } from '../../format/bytes.js';
import { fitting, positive, seed, share } from './options.js';
import { assignments, shareBytes, WorkloadOptionsError, workload } from './workload.js';

const port = 11211;
/** The most that memcached needs for an item besides its value. */
const overheadBytes = 128;
/** memcached's slab classes grow by this factor: so much of a slot may be unused. */
const growthFactor = 1.25;
/**
 * Each key is set before the migration and read after it, one at a time on each connection. With more, an emulated guest
 * exceeds the default time limit of a run.
 */
const maxDefaultKeys = 600_000;

/** A key-value server under load from outside. */
export const memcached = workload({
  name: 'memcached',
  summary: 'memcached in the guest, with gets and sets from outside',
  operation: 'requests',
  programs: [],
  packaged: { packages: ['memcached'], programs: ['usr/bin/memcached'] },
  needsNetwork: true,
  reports: 'outside',
  sender: 'outside',
  checks: { guest: false, outside: true },
  options: z.strictObject({
    /** The share of guest memory that memcached may take. */
    share: share.default(0.5),
    valueBytes: positive.max(500_000).default(1024),
    /** By default, as many as fill three quarters of that memory, and at most 600,000. */
    keys: positive.optional(),
    /** The share of gets; the other requests are sets. */
    getsPercent: z.number().int().min(0).max(100).default(90),
    connections: positive.max(64).default(4),
    /** 0: no limit. */
    operationsPerSecond: z.number().int().nonnegative().default(0),
    seed,
  }),
  commands: (options, environment) => {
    const megabytes = Math.floor(shareBytes(environment, options.share) / mebibyte);
    const itemBytes = (options.valueBytes + overheadBytes) * growthFactor;
    const items = (megabytes * mebibyte) / itemBytes;
    const capacity = { max: Math.floor(items), reason: `memcached has ${options.share} of it` };
    const usual = Math.min(Math.floor(0.75 * items), maxDefaultKeys);
    const keys = options.keys ? fitting(environment, 'keys', options.keys, capacity) : usual;
    if (keys < options.connections) {
      throw new WorkloadOptionsError(
        `keys: ${keys} are too few for ${options.connections} connections: each has keys of its own`,
      );
    }
    return {
      inGuest: [
        '/usr/bin/memcached',
        ...['-u', 'root', '-l', `${environment.address}`, '-p', `${port}`],
        ...['-m', `${megabytes}`, '-t', `${environment.processors}`],
      ],
      outside: {
        program: 'key-value-load',
        arguments: assignments({
          host: environment.address ?? undefined,
          port,
          connections: options.connections,
          keys,
          value_bytes: options.valueBytes,
          gets_percent: options.getsPercent,
          operations_per_second: options.operationsPerSecond,
          seed: options.seed ?? environment.seed,
        }),
      },
    };
  },
});
