// What this room offers to others: fingerprints, tables and memory files. It is part of the door `fakedirty`.
export {
  type Algorithm,
  type AlgorithmName,
  algorithmNames,
  algorithms,
  targets,
  version,
} from './algorithms.js';
export type { Bytes } from './bytes.js';
export {
  BusyError,
  DisposedError,
  MemoryFileError,
  NativeError,
  StaleCheckError,
} from './errors.js';
export { type FingerprintOptions, Hasher, type HasherOptions } from './hasher.js';
export { MemoryFile } from './memory-file.js';
export { NativeAddonError } from './native.js';
export type { PageRange } from './page-range.js';
export { fingerprintPages, fingerprintPagesAsync } from './pages.js';
export type { BackgroundOptions, Progress } from './slices.js';
export {
  type Check,
  type CheckOptions,
  FingerprintTable,
  type PageNumbers,
  type TableOptions,
  type TableStatistics,
  type Verdict,
  type VerdictCounts,
  Verdicts,
  verdictNames,
} from './table.js';
