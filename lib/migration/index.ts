// fakedirty/migration: starts, controls, watches and records migrations.

export {
  type CallbackFailure,
  type CallbackName,
  callbackNames,
} from './callbacks.js';
export {
  type Choice,
  choices,
  type Decision,
  type MigrationContext,
  type Observation,
  type Policy,
  type PolicyEvaluation,
} from './decision.js';
export {
  MigrationRefusedError,
  MigrationStateError,
  PolicyDecisionError,
  WatchStoppedError,
} from './errors.js';
export {
  type Journal,
  type JournalBegin,
  type JournalEntry,
  JournalError,
  type JournalOptions,
  type JournalWriter,
  journalFormat,
  type KeptSettings,
  parseJournal,
} from './journal.js';
export {
  defaultJournalPath,
  type FoundJournal,
  JournalDirectory,
  type JournalFile,
} from './journal-directory.js';
export { migrate, startMigration } from './migrate.js';
export type { Migration } from './migration.js';
export type {
  AutoConvergeOptions,
  Destination,
  FilterOptions,
  MigrateOptions,
  MigrationLimits,
  MigrationProgress,
  MultifdOptions,
  XbzrleOptions,
} from './options.js';
export {
  type FilterTotals,
  type Pass,
  type PassVerdicts,
  type Phase,
  passName,
} from './pass.js';
export {
  entryLine,
  parseRecording,
  type Recorder,
  type Recording,
  type RecordingEntry,
  RecordingError,
  type RecordingStart,
  recordingFormat,
} from './recording.js';
export type { GuestLocation, MigrationResult, Outcome, SentBytes } from './result.js';
export { type TakeOverOptions, takeOver } from './take-over.js';
export type { MigrationUpdate } from './updates.js';
export {
  type MigrationWatch,
  startWatching,
  type WatchOptions,
  watchMigration,
} from './watch.js';
