// The core workloads of YCSB on an in-memory store: native/guest/linux/ycsb.c.
import { z } from 'zod';
import { besideKernel, type Capacity, fitting, positive, seed } from './options.js';
import {
  allInGuest,
  assignments,
  shareBytes,
  type Workload,
  type WorkloadEnvironment,
  workload,
} from './workload.js';

const letters = ['a', 'b', 'c', 'd', 'e', 'f'] as const;
const mixtures: Record<(typeof letters)[number], string> = {
  a: 'half reads, half updates',
  b: '95 % reads, 5 % updates',
  c: 'only reads',
  d: '95 % reads of recent inserts, 5 % inserts',
  e: '95 % scans of up to 100 records, 5 % inserts',
  f: 'half reads, half read-modify-writes',
};

/** A record of 1,000 bytes with its index entry; the store grows to twice its first size at most. */
const bytesPerRecord = 1200;
const growth = 2;
const inserting = new Set<string>(['d', 'e']);

function capacityFor(letter: string, environment: WorkloadEnvironment): Capacity {
  const { max, reason } = besideKernel(environment);
  const grows = inserting.has(letter);
  return {
    max: Math.floor(max / bytesPerRecord / (grows ? growth : 1)),
    reason: grows ? `as many again may be inserted, and ${reason}` : reason,
  };
}

function ycsb(letter: (typeof letters)[number]): Workload {
  return workload({
    name: `ycsb-${letter}`,
    summary: `YCSB core workload ${letter.toUpperCase()} on an in-memory store: ${mixtures[letter]}`,
    operation: 'requests',
    programs: ['ycsb'],
    ...allInGuest,
    options: z.strictObject({
      /** How many there are at the beginning; as many again may be inserted. */
      records: positive.min(3).optional(),
      distribution: z.enum(['zipfian', 'uniform', 'latest']).optional(),
      /** 0: no limit. */
      operationsPerSecond: z.number().int().nonnegative().default(0),
      seed,
    }),
    commands: ({ records, distribution, operationsPerSecond, seed: first }, environment) => {
      const usual = Math.floor(shareBytes(environment, 0.5) / bytesPerRecord / growth);
      const capacity = capacityFor(letter, environment);
      return {
        inGuest: [
          '/bin/ycsb',
          ...assignments({
            workload: letter,
            records: fitting(environment, 'records', records ?? usual, capacity),
            distribution,
            operations_per_second: operationsPerSecond,
            seed: first ?? environment.seed,
          }),
        ],
      };
    },
  });
}

/** One workload for each letter of YCSB. */
export const ycsbWorkloads = letters.map(ycsb);
