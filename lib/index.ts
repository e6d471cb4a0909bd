export { type ErrorCode, errorCodes } from './errors/codes.js';
export { FakedirtyError } from './errors/error.js';
export { OptionError } from './errors/option-error.js';
export {
  type Algorithm,
  type AlgorithmName,
  algorithmNames,
  algorithms,
  targets,
  version,
} from './fingerprint/algorithms.js';
export type { Bytes } from './fingerprint/bytes.js';
export {
  BusyError,
  DisposedError,
  MemoryFileError,
  NativeError,
  StaleCheckError,
} from './fingerprint/errors.js';
export { Hasher, type HasherOptions } from './fingerprint/hasher.js';
export { MemoryFile } from './fingerprint/memory-file.js';
export { NativeAddonError } from './fingerprint/native.js';
export type { PageRange } from './fingerprint/page-range.js';
export { fingerprintPages, fingerprintPagesAsync } from './fingerprint/pages.js';
export type { BackgroundOptions, Progress } from './fingerprint/slices.js';
export {
  type Check,
  FingerprintTable,
  type TableOptions,
  type TableStatistics,
  type Verdict,
  type VerdictCounts,
  Verdicts,
  verdictNames,
  type Where,
} from './fingerprint/table.js';
export type {
  Choice,
  Circumstances,
  Consultation,
  Decision,
  Observation,
  Policy,
} from './migration/decision.js';
export { MigrationRefusedError } from './migration/errors.js';
export { migrate } from './migration/migrate.js';
export type { MigrateOptions, MigrationProgress } from './migration/options.js';
export type { FilterTotals, Pass, VerdictCounts as PassVerdicts } from './migration/pass.js';
export {
  entryLine,
  parseRecording,
  type Recorder,
  type Recording,
  type RecordingEntry,
  RecordingError,
} from './migration/recording.js';
export type { MigrationResult } from './migration/result.js';
export { type WatchOptions, watchMigration } from './migration/watch.js';
export {
  type DirtyingMeasurement,
  type MeasureOptions,
  measureDirtying,
} from './monitor/dirtying-measurement.js';
export { type AdaptiveStopOptions, adaptiveStop } from './policy/adaptive-stop.js';
export { type FakeAwareOptions, fakeAware } from './policy/fake-aware.js';
export { type Forecast, forecast, type Link, type MethodForecast } from './policy/forecast.js';
export {
  type IntelligentHybridOptions,
  intelligentHybrid,
} from './policy/intelligent-hybrid.js';
export {
  type AutoConvergeFirstOptions,
  autoConvergeFirst,
  chain,
  type GiveUpOptions,
  giveUp,
} from './policy/limits.js';
export { PolicyError, parsePolicies, policyNames } from './policy/named.js';
export {
  type Behaviour,
  type Outlook,
  type Prediction,
  predict,
  type Range as PredictedRange,
} from './policy/prediction.js';
export { type Comparison, type Foresight, foresee, replay } from './policy/replay.js';
export { type ClientOptions, type ExecuteOptions, QmpClient } from './qmp/client.js';
export {
  QmpAddressError,
  QmpClosedError,
  QmpCommandError,
  QmpError,
  QmpGarbledError,
  QmpGreetingError,
  QmpNegotiationError,
  QmpOversizedError,
  QmpProtocolError,
  type QmpRequest,
  QmpTimeoutError,
  QmpUnreadError,
} from './qmp/errors.js';
export type { EventStream } from './qmp/event-stream.js';
export { eventTimeMs, type KnownEvent, type QmpEvent, type QmpGreeting } from './qmp/messages.js';
export type { CommandName, Commands } from './qmp/schema/commands.js';
export type { EventData, EventName } from './qmp/schema/events.js';
export type { FakeDirtyInfo, FakeDirtyPass } from './qmp/schema/fake-dirty.js';
export type { MigrationInfo, MigrationStatus } from './qmp/schema/migration.js';
export { parseAddress, type QmpAddress, type StandardStreams } from './qmp/transport.js';
