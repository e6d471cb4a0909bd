// The options of a migration, checked once, here.

import { z } from 'zod';
import { explainIssue } from '../errors/explain-issue.js';
import { shown } from '../errors/shown.js';
import { option, sentence } from '../errors/wording.js';
import { mebibyte } from '../format/bytes.js';
import { QmpClient } from '../qmp/client.js';
import { type FakeDirtyHash, fakeDirtyHashes } from '../qmp/schema/fake-dirty.js';
import type { Observation, Policy } from './decision.js';
import { MigrationRefusedError } from './errors.js';
import { isAsync } from './evaluate-policy.js';
import type { JournalOptions, JournalWriter } from './journal.js';
import type { Pass } from './pass.js';
import type { Recorder } from './recording.js';
import { migrationUriProblem, type UriUse } from './uri.js';

const maxDowntimeLimitMs = 2_000_000;
/** As many cores as multifd has channels at most. */
const maxFilterCpuPercent = 25_500;

/** How the source skips fake dirty pages. */
export interface FilterOptions {
  /** The fingerprint algorithm; default: `ph128`. */
  readonly hash?: FakeDirtyHash | undefined;
  /**
   * Accept a hash other than `ph128` and `sha256`: a process in the guest can have the destination keep a page that
   * differs, and with 32 bits chance can; default: false.
   */
  readonly acceptUnsafeHash?: boolean | undefined;
  /** Compare each page that would be skipped with a full copy of it; default: false. */
  readonly verify?: boolean | undefined;
  /**
   * What its tables, and the copies to verify, may take at most, in bytes; a migration that needs more fails at its
   * start. 0: no limit; default: as QEMU is set.
   */
  readonly maxMemoryBytes?: number | undefined;
  /**
   * How much processor time all threads of the filter may take together, in percent of one core, up to 25,500. 0: no
   * limit; default: as QEMU is set.
   */
  readonly maxCpuPercent?: number | undefined;
  /**
   * Where no page was found unchanged after the first pass, look at a sample of the pages only. Turn it off to count
   * unchanged pages exactly. Default: as QEMU is set, which is on.
   */
  readonly sampling?: boolean | undefined;
  /** On a QEMU without the filter: `refuse` to migrate (the default), or `leave-out` the filter. */
  readonly ifMissing?: 'refuse' | 'leave-out' | undefined;
}

/** How a migration uses several connections. */
export interface MultifdOptions {
  /** How many connections, 1 to 255; default: 2. */
  readonly channels?: number | undefined;
  /** How pages are compressed; default: `none`. */
  readonly compression?: 'none' | 'zlib' | 'zstd' | undefined;
  /** The level of the compression: 0 to 9 for zlib, 0 to 20 for zstd; default: QEMU's. */
  readonly level?: number | undefined;
}

/** How a migration sends differences instead of pages. */
export interface XbzrleOptions {
  /** Memory for copies of pages, in bytes; default: 64 MiB. */
  readonly cacheBytes?: number | undefined;
}

/** How auto-converge slows the guest down; each in percent, 1 to 99; default: QEMU's. */
export interface AutoConvergeOptions {
  /** By how much at first. */
  readonly initialPercent?: number | undefined;
  /** By how much more each time. */
  readonly incrementPercent?: number | undefined;
  /** By how much at most. */
  readonly maxPercent?: number | undefined;
}

/** A destination that `migrate` prepares over its QMP. */
export interface Destination {
  /** The destination's QMP; its QEMU was started with `-incoming defer`. */
  readonly qmp: QmpClient;
  /** Where the destination listens: `unix:/path`, `tcp:0.0.0.0:4444`; with port 0 it chooses one. */
  readonly listen: string;
  /** Where the source connects to; default: where the destination listens. */
  readonly connect?: string | undefined;
}

/** How far a migration is. */
export interface MigrationProgress {
  /** Time since the migration began. */
  readonly elapsedMs: number;
  /** QEMU's own status, such as `active`. */
  readonly status: string;
  /** Bytes sent so far. */
  readonly sentBytes: number;
  /** Guest memory that is left to send in this pass, in bytes. */
  readonly remainingBytes: number;
  /** How fast QEMU sent just now. */
  readonly linkBytesPerSecond: number;
}

/**
 * How to migrate a VM. Only `to` is required. A callback that throws, or returns a promise that is rejected, is not
 * called again, and the result says so; the migration goes on.
 */
export interface MigrateOptions {
  /** A URI at which a destination listens, as QEMU takes it (`tcp:host:port`), or a destination to prepare. */
  readonly to: string | Destination;
  /**
   * `pre-copy` (the default), `post-copy` from the start, or `hybrid`: pre-copy first, then post-copy when the policy
   * says so or, without a policy, after the first pass.
   */
  readonly method?: 'pre-copy' | 'post-copy' | 'hybrid' | undefined;
  /** Skip fake dirty pages; default: no. */
  readonly filter?: FilterOptions | undefined;
  /** Send differences of pages that were sent before; default: no. */
  readonly xbzrle?: XbzrleOptions | undefined;
  /** Use several connections; default: no. */
  readonly multifd?: MultifdOptions | undefined;
  /** Slow the guest down when it writes too fast; default: no. */
  readonly autoConverge?: AutoConvergeOptions | undefined;
  /** How fast to send; 0: as fast as possible; default: as QEMU is set. */
  readonly bandwidthBytesPerSecond?: number | undefined;
  /** How fast to send in post-copy what was not asked for; 0: as fast as possible; default: as QEMU is set. */
  readonly postcopyBandwidthBytesPerSecond?: number | undefined;
  /** The downtime limit, up to 2,000,000 ms; default: as QEMU is set. */
  readonly downtimeLimitMs?: number | undefined;
  /** If the guest had to be stopped, leave it stopped at the destination; default: false, it is continued. */
  readonly holdAtDestination?: boolean | undefined;
  /**
   * The destination was started with `-S`: it runs the guest only when its owner says `cont`, which nobody else does
   * then. So it can be cancelled until the last moment, whatever happens to the link. Default: false.
   */
  readonly destinationIsHeld?: boolean | undefined;
  /** Other capabilities of QEMU to turn on or off; default: none. */
  readonly capabilities?: Readonly<Record<string, boolean>> | undefined;
  /** Other parameters of QEMU to set; default: none. */
  readonly parameters?: Readonly<Record<string, string | number | boolean>> | undefined;
  /** Decides when to stop, to switch to post-copy, or to give up; default: QEMU alone decides. */
  readonly policy?: Policy | undefined;
  /**
   * What to do when the policy throws, or returns no valid decision: `cancel` the migration (the default), or `go-on`
   * without it, as QEMU alone decides. The result says in both cases what happened.
   */
  readonly onPolicyFailure?: 'cancel' | 'go-on' | undefined;
  /** Aborting it cancels the migration; the reason is in the result. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Keeps what another process needs to take the migration over should this one be killed: `JournalDirectory` makes one.
   * Unless it takes the first entry, the migration does not begin.
   */
  readonly journal?: JournalOptions | undefined;
  /** Is given each entry of a recording. */
  readonly record?: Recorder | undefined;
  /** Is called when a pass has ended. */
  readonly onPass?: ((pass: Pass, observation: Observation) => void) | undefined;
  /** Is called with each answer to query-migrate; QEMU is then also asked between passes. */
  readonly onProgress?: ((progress: MigrationProgress) => void) | undefined;
}

/** Limits of a migration that runs; a limit that is left out stays as it is. */
export interface MigrationLimits {
  /** How fast to send; 0: as fast as possible. */
  readonly bandwidthBytesPerSecond?: number | undefined;
  /** The downtime limit, up to 2,000,000 ms. */
  readonly downtimeLimitMs?: number | undefined;
}

const expectedTo = 'expected a URI such as tcp:host2:4444, or { qmp, listen }';

const bytesPerSecond = z.int().nonnegative();
const percent = z.int().min(1).max(99);
const downtimeLimitMs = z.int().nonnegative().max(maxDowntimeLimitMs);

function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}

function uri(use: UriUse) {
  return z.string().superRefine((text, context) => {
    const problem = migrationUriProblem(text, use);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  });
}

const destinationSchema = z.strictObject({
  qmp: z.custom<QmpClient>((value) => value instanceof QmpClient, 'expected a QmpClient'),
  listen: uri('listen'),
  connect: uri('connect').optional(),
});

/** Checks `MigrateOptions`, and fills in what is left out. */
export const optionsSchema = z.strictObject({
  to: z.union([uri('connect'), destinationSchema], {
    error: (issue) => explainIssue(issue) ?? `is ${shown(issue.input)}; ${expectedTo}`,
  }),
  method: z.enum(['pre-copy', 'post-copy', 'hybrid']).default('pre-copy'),
  filter: z
    .strictObject({
      hash: z.enum(fakeDirtyHashes).default('ph128'),
      acceptUnsafeHash: z.boolean().default(false),
      verify: z.boolean().default(false),
      maxMemoryBytes: z.int().nonnegative().optional(),
      maxCpuPercent: z.int().nonnegative().max(maxFilterCpuPercent).optional(),
      sampling: z.boolean().optional(),
      ifMissing: z.enum(['refuse', 'leave-out']).default('refuse'),
    })
    .optional(),
  xbzrle: z
    .strictObject({
      cacheBytes: z
        .int()
        .min(4096)
        .default(64 * mebibyte),
    })
    .optional(),
  multifd: z
    .strictObject({
      channels: z.int().min(1).max(255).default(2),
      compression: z.enum(['none', 'zlib', 'zstd']).default('none'),
      level: z.int().min(0).max(20).optional(),
    })
    .optional(),
  autoConverge: z
    .strictObject({
      initialPercent: percent.optional(),
      incrementPercent: percent.optional(),
      maxPercent: percent.optional(),
    })
    .optional(),
  bandwidthBytesPerSecond: bytesPerSecond.optional(),
  postcopyBandwidthBytesPerSecond: bytesPerSecond.optional(),
  downtimeLimitMs: downtimeLimitMs.optional(),
  holdAtDestination: z.boolean().default(false),
  destinationIsHeld: z.boolean().default(false),
  capabilities: z.record(z.string(), z.boolean()).default({}),
  parameters: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
  policy: z
    .custom<Policy>(isFunction, 'expected a function')
    .refine((policy) => !isAsync(policy), 'is async; a policy decides at once')
    .optional(),
  onPolicyFailure: z.enum(['cancel', 'go-on']).default('cancel'),
  signal: z.instanceof(AbortSignal).optional(),
  journal: z
    .strictObject({
      write: z.custom<JournalWriter>(isFunction, 'expected a function'),
      policy: z.array(z.string()).readonly().optional(),
    })
    .optional(),
  record: z.custom<Recorder>(isFunction).optional(),
  onPass: z.custom<(pass: Pass, observation: Observation) => void>(isFunction).optional(),
  onProgress: z.custom<(progress: MigrationProgress) => void>(isFunction).optional(),
});

/** Checks `MigrationLimits`. */
export const limitsSchema = z.strictObject({
  bandwidthBytesPerSecond: bytesPerSecond.optional(),
  downtimeLimitMs: downtimeLimitMs.optional(),
});

/** Options that were checked, with their defaults. */
export type CheckedOptions = z.output<typeof optionsSchema>;

function parse<Schema extends z.ZodType>(schema: Schema, options: unknown): z.output<Schema> {
  const { success, data, error } = schema.safeParse(options, { error: explainIssue });
  if (success) return data;
  const problems = error.issues.map(
    ({ path, message }) => sentence`${option(path.join('.') || 'options')}: ${message}`,
  );
  throw new MigrationRefusedError(problems);
}

/** The options with their defaults; throws MigrationRefusedError with all that is wrong with them. */
export function parseMigrateOptions(options: MigrateOptions): CheckedOptions {
  return parse(optionsSchema, options);
}

/** The limits, checked; throws MigrationRefusedError with all that is wrong with them. */
export function parseLimits(limits: MigrationLimits): z.output<typeof limitsSchema> {
  return parse(limitsSchema, limits);
}
