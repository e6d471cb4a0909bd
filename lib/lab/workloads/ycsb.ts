import { z } from 'zod';
import { besideKernel, fitting, positive, type Room, seed } from './options.js';
import {
  allInGuest,
  assignments,
  partOf,
  type Surroundings,
  type Workload,
  workload,
} from './workload.js';

const letters = ['a', 'b', 'c', 'd', 'e', 'f'] as const;
const mixtures: Record<(typeof letters)[number], string> = {
  a: 'half reads, half updates',
  b: '95 % reads, 5 % updates',
  c: 'reads alone',
  d: '95 % reads of what was inserted lately, 5 % inserts',
  e: '95 % scans of up to 100 records, 5 % inserts',
  f: 'half reads, half reads that are written back changed',
};

/** A record of 1,000 bytes with what it takes to find it, and room for as many to be inserted. */
const bytesPerRecord = 1200;
const roomToGrow = 2;
const inserting = new Set<string>(['d', 'e']);

function roomFor(letter: string, surroundings: Surroundings): Room {
  const { most, because } = besideKernel(surroundings);
  const grows = inserting.has(letter);
  return {
    most: Math.floor(most / bytesPerRecord / (grows ? roomToGrow : 1)),
    because: grows ? `as many again may be inserted, and ${because}` : because,
  };
}

function ycsb(letter: (typeof letters)[number]): Workload {
  return workload({
    name: `ycsb-${letter}`,
    summary: `YCSB core workload ${letter.toUpperCase()} against a store in memory: ${mixtures[letter]}`,
    operation: 'requests',
    programs: ['ycsb'],
    ...allInGuest,
    options: z.strictObject({
      /** Those there are at the beginning; as many again may be inserted. */
      records: positive.min(3).optional(),
      distribution: z.enum(['zipfian', 'uniform', 'latest']).optional(),
      /** 0: as many as the guest can do. */
      operationsPerSecond: z.number().int().nonnegative().default(0),
      seed,
    }),
    commands: ({ records, distribution, operationsPerSecond, seed: first }, surroundings) => {
      const usual = Math.floor(partOf(surroundings, 0.5) / bytesPerRecord / roomToGrow);
      const room = roomFor(letter, surroundings);
      return {
        inGuest: [
          '/bin/ycsb',
          ...assignments({
            workload: letter,
            records: fitting(surroundings, 'records', records ?? usual, room),
            distribution,
            operations_per_second: operationsPerSecond,
            seed: first ?? surroundings.seed,
          }),
        ],
      };
    },
  });
}

export const ycsbWorkloads = letters.map(ycsb);
