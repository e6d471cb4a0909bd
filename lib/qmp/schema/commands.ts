// The commands that this program knows, each with what it takes and what it answers. Others can be
// executed too: what they answer is unknown then.
import { z } from 'zod';
import {
  dirtyRateInfo,
  type MigrationArguments,
  migrationCapabilities,
  migrationInfo,
  migrationParameters,
  migrationThreads,
} from './migration.js';
import {
  memoryBackends,
  memorySize,
  namedList,
  schemaInfo,
  statusInfo,
  type VmArguments,
  vcpus,
  versionInfo,
} from './vm.js';

const nothing = z.looseObject({});

/** What each command answers. */
export const returns = {
  migrate: nothing,
  migrate_cancel: nothing,
  'migrate-incoming': nothing,
  'migrate-recover': nothing,
  'migrate-pause': nothing,
  'migrate-continue': nothing,
  'migrate-start-postcopy': nothing,
  'migrate-set-capabilities': nothing,
  'migrate-set-parameters': nothing,
  'query-migrate': migrationInfo,
  'query-migrate-capabilities': migrationCapabilities,
  'query-migrate-parameters': migrationParameters,
  // Since 8.0.
  'query-migrationthreads': migrationThreads,
  'calc-dirty-rate': nothing,
  'query-dirty-rate': dirtyRateInfo,
  'set-vcpu-dirty-limit': nothing,
  'cancel-vcpu-dirty-limit': nothing,
  qmp_capabilities: nothing,
  'query-version': versionInfo,
  'query-commands': namedList,
  'query-qmp-schema': z.array(schemaInfo),
  'query-status': statusInfo,
  'query-name': z.looseObject({ name: z.string().optional() }),
  'query-kvm': z.looseObject({ enabled: z.boolean(), present: z.boolean() }),
  'query-cpus-fast': vcpus,
  'query-memory-size-summary': memorySize,
  'query-memdev': memoryBackends,
  'human-monitor-command': z.string(),
  'object-add': nothing,
  'object-del': nothing,
  'qom-get': z.unknown(),
  'qom-set': nothing,
  'qom-list': namedList,
  cont: nothing,
  stop: nothing,
  quit: nothing,
  system_reset: nothing,
  system_powerdown: nothing,
  system_wakeup: nothing,
} satisfies Record<string, z.ZodType>;

export type CommandName = keyof typeof returns;

type ArgumentsByName = MigrationArguments & VmArguments;

/** By name: what a command takes (undefined: nothing) and what it answers. */
export type Commands = {
  [Name in CommandName]: {
    arguments: Name extends keyof ArgumentsByName ? ArgumentsByName[Name] : undefined;
    returns: z.infer<(typeof returns)[Name]>;
  };
};

export type CommandArguments<Name extends string> = Name extends CommandName
  ? Commands[Name]['arguments']
  : object | undefined;

export type CommandReturn<Name extends string> = Name extends CommandName
  ? Commands[Name]['returns']
  : unknown;

/** What a command of that name answers; anything, if it is not known. */
export function returnOf(name: string): z.ZodType {
  return Object.hasOwn(returns, name) ? returns[name as CommandName] : z.unknown();
}
