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
  FakedirtyError,
  MemoryFileError,
  NativeError,
  OptionError,
  StaleCheckError,
} from './fingerprint/errors.js';
export { Hasher, type HasherOptions } from './fingerprint/hasher.js';
export { MemoryFile, type PageRange } from './fingerprint/memory-file.js';
export { NativeAddonError } from './fingerprint/native.js';
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
