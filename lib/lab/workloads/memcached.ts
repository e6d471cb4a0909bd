import { z } from 'zod';
import { mebibyte } from '../../format/bytes.js';
import { fitting, positive, seed, share } from './options.js';
import { assignments, partOf, WorkloadOptionsError, workload } from './workload.js';

const port = 11211;
/** What memcached needs for an item beside its value, at most. */
const overheadBytes = 128;
/** By how much the places that it has for items differ in size: so much of one may be left over. */
const growthFactor = 1.25;
/**
 * Each is set before the move and got after it, one at a time on each connection: more are not done in the usual time
 * limit where the guest is emulated.
 */
const mostUsualKeys = 600_000;

export const memcached = workload({
  name: 'memcached',
  summary: 'memcached in the guest, under gets and sets from outside',
  operation: 'requests',
  programs: [],
  packaged: { packages: ['memcached'], programs: ['usr/bin/memcached'] },
  needsNetwork: true,
  reports: 'outside',
  sender: 'outside',
  checks: { guest: false, outside: true },
  options: z.strictObject({
    /** Of guest memory, that memcached may take. */
    share: share.default(0.5),
    valueBytes: positive.max(500_000).default(1024),
    /** As many as fill three quarters of that memory, but not more than 600,000, when not given. */
    keys: positive.optional(),
    /** Of all requests; the others are sets. */
    getsPercent: z.number().int().min(0).max(100).default(90),
    connections: positive.max(64).default(4),
    /** 0: as many as are answered. */
    operationsPerSecond: z.number().int().nonnegative().default(0),
    seed,
  }),
  commands: (options, surroundings) => {
    const megabytes = Math.floor(partOf(surroundings, options.share) / mebibyte);
    const itemBytes = (options.valueBytes + overheadBytes) * growthFactor;
    const items = (megabytes * mebibyte) / itemBytes;
    const room = { most: Math.floor(items), because: `memcached has ${options.share} of it` };
    const usual = Math.min(Math.floor(0.75 * items), mostUsualKeys);
    const keys = options.keys ? fitting(surroundings, 'keys', options.keys, room) : usual;
    if (keys < options.connections) {
      throw new WorkloadOptionsError(
        `keys: ${keys} are too few for ${options.connections} connections, each of which has its own`,
      );
    }
    return {
      inGuest: [
        '/usr/bin/memcached',
        ...['-u', 'root', '-l', `${surroundings.address}`, '-p', `${port}`],
        ...['-m', `${megabytes}`, '-t', `${surroundings.processors}`],
      ],
      outside: {
        program: 'key-value-load',
        arguments: assignments({
          host: surroundings.address ?? undefined,
          port,
          connections: options.connections,
          keys,
          value_bytes: options.valueBytes,
          gets_percent: options.getsPercent,
          operations_per_second: options.operationsPerSecond,
          seed: options.seed ?? surroundings.seed,
        }),
      },
    };
  },
});
