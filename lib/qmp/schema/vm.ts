// Controlling and querying a VM in QEMU's QAPI schema: run state, memory, objects, QEMU itself.
import { z } from 'zod';
import { extensibleEnum } from './extensible-enum.js';

export const statusInfo = z.looseObject({
  running: z.boolean(),
  status: extensibleEnum(
    'debug',
    'inmigrate',
    'internal-error',
    'io-error',
    'paused',
    'postmigrate',
    'prelaunch',
    'finish-migrate',
    'restore-vm',
    'running',
    'save-vm',
    'shutdown',
    'suspended',
    'watchdog',
    'guest-panicked',
    'colo',
  ),
});
/** What query-status answers. */
export type StatusInfo = z.infer<typeof statusInfo>;

export const versionInfo = z.looseObject({
  qemu: z.looseObject({ major: z.number(), minor: z.number(), micro: z.number() }),
  package: z.string(),
});

export const namedList = z.array(z.looseObject({ name: z.string() }));

export const vcpus = z.array(
  z.looseObject({ 'cpu-index': z.number(), 'thread-id': z.number(), target: z.string() }),
);

export const blockStatistics = z.array(
  z.looseObject({
    device: z.string().optional(),
    qdev: z.string().optional(),
    'node-name': z.string().optional(),
    stats: z.looseObject({ rd_bytes: z.number(), wr_bytes: z.number() }),
  }),
);

export const memorySize = z.looseObject({
  'base-memory': z.number(),
  'plugged-memory': z.number().optional(),
});

export const memoryBackends = z.array(
  z.looseObject({
    id: z.string().optional(),
    size: z.number(),
    share: z.boolean().optional(),
    policy: z.string(),
  }),
);

/** An entity of QEMU's schema; its members depend on the meta-type. */
export const schemaInfo = z.looseObject({
  name: z.string(),
  'meta-type': extensibleEnum(
    'builtin',
    'enum',
    'array',
    'object',
    'alternate',
    'command',
    'event',
  ),
  'arg-type': z.string().optional(),
  members: z
    .array(z.looseObject({ name: z.string().optional(), type: z.string().optional() }))
    .optional(),
  values: z.array(z.string()).optional(),
});
export type SchemaInfo = z.infer<typeof schemaInfo>;

/** The arguments of commands about a VM, by command. */
export interface VmArguments {
  qmp_capabilities: { enable?: string[] };
  'human-monitor-command': { 'command-line': string; 'cpu-index'?: number };
  'object-add': { 'qom-type': string; id: string; [property: string]: unknown };
  'object-del': { id: string };
  'qom-get': { path: string; property: string };
  'qom-set': { path: string; property: string; value: unknown };
  'qom-list': { path: string };
}
