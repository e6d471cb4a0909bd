// Reading and writing a disk that the hosts share: native/guest/linux/disk.c.
import { z } from 'zod';
import { mebibyte } from '../../format/bytes.js';
import { diskBytes } from '../guest/disk.js';
import { positive, seed } from './options.js';
import { allInGuest, assignments, workload } from './workload.js';

/** Reads and writes a shared disk. */
export const disk = workload({
  name: 'disk',
  summary: 'reads and writes blocks of a disk that the hosts share, bypassing the page cache',
  operation: 'blocks read or written',
  programs: ['disk'],
  ...allInGuest,
  needsDisk: true,
  options: z.strictObject({
    bytes: positive.max(diskBytes).default(64 * mebibyte),
    blockBytes: positive.multipleOf(4096).max(mebibyte).default(16_384),
    readsPercent: z.number().int().min(0).max(100).default(50),
    /** 0: no limit. */
    operationsPerSecond: z.number().int().nonnegative().default(0),
    seed,
  }),
  commands: (wanted, environment) => ({
    inGuest: [
      '/bin/disk',
      ...assignments({
        device: '/dev/vda',
        bytes: wanted.bytes,
        block_bytes: wanted.blockBytes,
        reads_percent: wanted.readsPercent,
        operations_per_second: wanted.operationsPerSecond,
        seed: wanted.seed ?? environment.seed,
      }),
    ],
  }),
});
