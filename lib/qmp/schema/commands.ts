// The commands that are typed, each with its arguments and its answer. Others can be executed too; their answers
// are of type unknown.
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
  blockStatistics,
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

/** The form of each command's answer. */
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
  'query-blockstats': blockStatistics,
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

/** The name of a command that is typed. */
export type QmpCommandName = keyof typeof returns;

type ArgumentsByName = MigrationArguments & VmArguments;

/** All commands that are typed, by name: each with its arguments (undefined: none) and its answer. */
export type QmpCommands = {
  [Name in QmpCommandName]: {
    arguments: Name extends keyof ArgumentsByName ? ArgumentsByName[Name] : undefined;
    returns: z.infer<(typeof returns)[Name]>;
  };
};

/** What a command takes; any object, if it is not typed. */
export type CommandArguments<Name extends string> = Name extends QmpCommandName
  ? QmpCommands[Name]['arguments']
  : object | undefined;

/** What a command answers; unknown, if it is not typed. */
export type CommandReturn<Name extends string> = Name extends QmpCommandName
  ? QmpCommands[Name]['returns']
  : unknown;

/** The form of a command's answer; any form, if the command is not typed. */
export function returnOf(name: string): z.ZodType {
  return Object.hasOwn(returns, name) ? returns[name as QmpCommandName] : z.unknown();
}
