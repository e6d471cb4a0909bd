// How to migrate, as callers say it: checked once, here.

import { z } from 'zod';
import { mebibyte } from '../format/bytes.js';
import { QmpClient } from '../qmp/client.js';
import { fakeDirtyHashes } from '../qmp/schema/fake-dirty.js';
import type { Observation, Policy } from './decision.js';
import { MigrationRefusedError } from './errors.js';
import type { Pass } from './pass.js';
import type { Recorder } from './recording.js';

const whole = z.int().nonnegative();
const percent = z.int().min(1).max(99);

const filterSchema = z.strictObject({
  /** Default: ph128. */
  hash: z.enum(fakeDirtyHashes).default('ph128'),
  /** One of 32 bits will corrupt a guest sooner or later; it must be accepted. */
  acceptWeakHash: z.boolean().default(false),
  /** Compares each skip with a full copy. */
  verify: z.boolean().default(false),
  /** What to do on a QEMU without the series. */
  ifMissing: z.enum(['refuse', 'leave-out']).default('refuse'),
});

const multifdSchema = z.strictObject({
  channels: z.int().min(1).max(255).default(2),
  compression: z.enum(['none', 'zlib', 'zstd']).default('none'),
  /** Of the compression. */
  level: z.int().min(0).max(20).optional(),
});

const autoConvergeSchema = z.strictObject({
  initialPercent: percent.optional(),
  incrementPercent: percent.optional(),
  maxPercent: percent.optional(),
});

/** Where to: a URI as QEMU takes it, or a destination to prepare. */
const destinationSchema = z.strictObject({
  qmp: z.custom<QmpClient>((value) => value instanceof QmpClient, 'expected a QmpClient'),
  /** Where it listens: `unix:/path`, `tcp:0.0.0.0:4444`; with port 0 it chooses one. */
  listen: z.string(),
  /** Where the source connects to, if that is another name for the same. */
  connect: z.string().optional(),
});

export const optionsSchema = z.strictObject({
  to: z.union([z.string().min(1), destinationSchema]),
  /** hybrid: begins as pre-copy and goes on as post-copy, when the policy says so or after the first pass. */
  method: z.enum(['pre-copy', 'post-copy', 'hybrid']).default('pre-copy'),
  filter: filterSchema.optional(),
  xbzrle: z
    .strictObject({
      cacheBytes: z
        .int()
        .min(4096)
        .default(64 * mebibyte),
    })
    .optional(),
  multifd: multifdSchema.optional(),
  autoConverge: autoConvergeSchema.optional(),
  /** 0: no limit. */
  bandwidthBytesPerSecond: whole.optional(),
  /** Of what is fetched in post-copy without being asked for; 0: no limit. */
  postcopyBandwidthBytesPerSecond: whole.optional(),
  downtimeLimitMs: whole.max(2_000_000).optional(),
  /** Where a guest had to be stopped for its end, leave it so at the destination: "cont" lets it go on. */
  holdAtDestination: z.boolean().default(false),
  /** Any others that this QEMU has. */
  capabilities: z.record(z.string(), z.boolean()).default({}),
  parameters: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
  policy: z.custom<Policy>((value) => typeof value === 'function').optional(),
  /** Aborting it cancels the migration. */
  signal: z.instanceof(AbortSignal).optional(),
  record: z.custom<Recorder>((value) => typeof value === 'function').optional(),
  /** Told of each pass that has ended. */
  onPass: z
    .custom<(pass: Pass, observation: Observation) => void>((value) => typeof value === 'function')
    .optional(),
  /** Told of each answer to query-migrate; asks for some between passes too. */
  onProgress: z
    .custom<(progress: MigrationProgress) => void>((value) => typeof value === 'function')
    .optional(),
});

/** How far a migration is. */
export interface MigrationProgress {
  readonly elapsedMs: number;
  readonly status: string;
  readonly sentBytes: number;
  readonly remainingBytes: number;
  readonly linkBytesPerSecond: number;
}

export type MigrateOptions = z.input<typeof optionsSchema>;
export type CheckedOptions = z.output<typeof optionsSchema>;

export function parseMigrateOptions(options: MigrateOptions): CheckedOptions {
  const { success, data, error } = optionsSchema.safeParse(options);
  if (success) return data;
  const problems = error.issues.map(
    ({ path, message }) => `option "${path.join('.')}": ${message}`,
  );
  throw new MigrationRefusedError(problems);
}
