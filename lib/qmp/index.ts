// fakedirty/qmp: a client of the QEMU machine protocol, with typed commands and events.
export {
  type ClientOptions,
  type ExecuteOptions,
  QmpClient,
  type QueryOptions,
} from './client.js';
export {
  QmpAddressError,
  QmpBusyError,
  QmpClosedError,
  QmpCommandError,
  QmpError,
  QmpEventOverflowError,
  type QmpExchange,
  QmpGarbledError,
  QmpGreetingError,
  QmpNegotiationError,
  QmpOversizedError,
  QmpProtocolError,
  type QmpRequest,
  QmpTimeoutError,
} from './errors.js';
export type { EventStream } from './event-stream.js';
export { eventTimeMs, type KnownEvent, type QmpEvent, type QmpGreeting } from './messages.js';
export type {
  CommandArguments,
  CommandReturn,
  QmpCommandName,
  QmpCommands,
} from './schema/commands.js';
export type { QmpEventData, QmpEventName } from './schema/events.js';
export type { Extensible } from './schema/extensible-enum.js';
export {
  type FakeDirtyHash,
  type FakeDirtyInfo,
  type FakeDirtyParameters,
  type FakeDirtyPass,
  fakeDirtyHashes,
} from './schema/fake-dirty.js';
export type {
  MigrationArguments,
  MigrationCapability,
  MigrationCapabilityStatus,
  MigrationInfo,
  MigrationParameters,
  MigrationStatus,
} from './schema/migration.js';
export type { StatusInfo, VmArguments } from './schema/vm.js';
export {
  formatAddress,
  parseAddress,
  type QmpAddress,
  type StandardStreams,
} from './transport.js';
