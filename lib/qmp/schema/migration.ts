// Migration in QEMU's QAPI schema (7.2 and 8.1): answers are checked, arguments are typed.
import { z } from 'zod';
import { type Extensible, extensibleEnum } from './extensible-enum.js';
import { type FakeDirtyParameters, fakeDirtyInfo } from './fake-dirty.js';

export const migrationStatus = extensibleEnum(
  'none',
  'setup',
  'cancelling',
  'cancelled',
  'active',
  'postcopy-active',
  'postcopy-paused',
  'postcopy-recover',
  'completed',
  'failed',
  'colo',
  'pre-switchover',
  'device',
  'wait-unplug',
);
/** The status of a migration, as QEMU names it. */
export type MigrationStatus = z.infer<typeof migrationStatus>;

const ramStatistics = z.looseObject({
  transferred: z.number(),
  remaining: z.number(),
  total: z.number(),
  duplicate: z.number(),
  normal: z.number(),
  'normal-bytes': z.number(),
  'dirty-pages-rate': z.number(),
  mbps: z.number(),
  'dirty-sync-count': z.number(),
  'postcopy-requests': z.number(),
  'page-size': z.number(),
  'multifd-bytes': z.number(),
  'pages-per-second': z.number(),
  'precopy-bytes': z.number().optional(),
  'downtime-bytes': z.number().optional(),
  'postcopy-bytes': z.number().optional(),
});

const xbzrleStatistics = z.looseObject({
  'cache-size': z.number(),
  bytes: z.number(),
  pages: z.number(),
  'cache-miss': z.number(),
  'cache-miss-rate': z.number(),
  'encoding-rate': z.number(),
  overflow: z.number(),
});

export const socketAddress = z.looseObject({
  type: z.string(),
  host: z.string().optional(),
  port: z.string().optional(),
  path: z.string().optional(),
});

export const migrationInfo = z.looseObject({
  status: migrationStatus.optional(),
  ram: ramStatistics.optional(),
  'xbzrle-cache': xbzrleStatistics.optional(),
  'total-time': z.number().optional(),
  'expected-downtime': z.number().optional(),
  downtime: z.number().optional(),
  'setup-time': z.number().optional(),
  'cpu-throttle-percentage': z.number().optional(),
  'error-desc': z.string().optional(),
  'blocked-reasons': z.array(z.string()).optional(),
  'postcopy-blocktime': z.number().optional(),
  'socket-address': z.array(socketAddress).optional(),
  'fake-dirty': fakeDirtyInfo.optional(),
});
/** What query-migrate answers. */
export type MigrationInfo = z.infer<typeof migrationInfo>;

/** A capability of migration. */
export type MigrationCapability = Extensible<
  | 'xbzrle'
  | 'rdma-pin-all'
  | 'auto-converge'
  | 'zero-blocks'
  | 'compress'
  | 'events'
  | 'postcopy-ram'
  | 'x-colo'
  | 'release-ram'
  | 'return-path'
  | 'pause-before-switchover'
  | 'multifd'
  | 'dirty-bitmaps'
  | 'postcopy-blocktime'
  | 'late-block-activate'
  | 'x-ignore-shared'
  | 'validate-uuid'
  | 'background-snapshot'
  | 'zero-copy-send'
  | 'postcopy-preempt'
  | 'switchover-ack'
  | 'dirty-limit'
  | 'fake-dirty-filter'
>;

/** A capability of migration, on or off. */
export interface MigrationCapabilityStatus {
  capability: MigrationCapability;
  state: boolean;
}
export const migrationCapabilities = z.array(
  z.looseObject({ capability: z.string(), state: z.boolean() }),
);

/** The parameters of migration. */
export interface MigrationParameters extends FakeDirtyParameters {
  'announce-initial'?: number;
  'announce-max'?: number;
  'announce-rounds'?: number;
  'announce-step'?: number;
  'compress-level'?: number;
  'compress-threads'?: number;
  'compress-wait-thread'?: boolean;
  'decompress-threads'?: number;
  'throttle-trigger-threshold'?: number;
  'cpu-throttle-initial'?: number;
  'cpu-throttle-increment'?: number;
  'cpu-throttle-tailslow'?: boolean;
  'tls-creds'?: string;
  'tls-hostname'?: string;
  'tls-authz'?: string;
  /** Bytes a second; 0 sets no limit. */
  'max-bandwidth'?: number;
  /** Milliseconds. */
  'downtime-limit'?: number;
  'multifd-channels'?: number;
  /** Bytes. */
  'xbzrle-cache-size'?: number;
  /** Bytes a second. */
  'max-postcopy-bandwidth'?: number;
  'max-cpu-throttle'?: number;
  'multifd-compression'?: Extensible<'none' | 'zlib' | 'zstd'>;
  'multifd-zlib-level'?: number;
  'multifd-zstd-level'?: number;
}
/** Newer QEMUs have further parameters. */
export const migrationParameters = z.record(z.string(), z.unknown()) as unknown as z.ZodType<
  MigrationParameters & Record<string, unknown>
>;

export const dirtyRateInfo = z.looseObject({
  /** MiB a second. */
  'dirty-rate': z.number().optional(),
  status: extensibleEnum('unstarted', 'measuring', 'measured'),
  'start-time': z.number(),
  /** Seconds. */
  'calc-time': z.number(),
  /** A GiB of guest memory. */
  'sample-pages': z.number(),
  mode: extensibleEnum('page-sampling', 'dirty-ring', 'dirty-bitmap'),
  'vcpu-dirty-rate': z
    .array(z.looseObject({ id: z.number(), 'dirty-rate': z.number() }))
    .optional(),
});

export const migrationThreads = z.array(
  z.looseObject({ name: z.string(), 'thread-id': z.number() }),
);

/** What the commands of migration take. */
export interface MigrationArguments {
  migrate: { uri: string; detach?: boolean; resume?: boolean };
  'migrate-incoming': { uri: string };
  'migrate-recover': { uri: string };
  'migrate-continue': { state: MigrationStatus };
  'migrate-set-capabilities': { capabilities: MigrationCapabilityStatus[] };
  'migrate-set-parameters': MigrationParameters;
  'calc-dirty-rate': {
    /** Seconds, 1 to 60. */
    'calc-time': number;
    'sample-pages'?: number;
    mode?: Extensible<'page-sampling' | 'dirty-ring' | 'dirty-bitmap'>;
  };
  'set-vcpu-dirty-limit': { 'cpu-index'?: number; 'dirty-rate': number };
  'cancel-vcpu-dirty-limit': { 'cpu-index'?: number };
}
