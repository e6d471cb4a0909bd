// A migration as a file of JSON Lines: what was observed, asked and decided.

import { z } from 'zod';
import { FakedirtyError } from '../errors/error.js';
import { OptionError } from '../errors/option-error.js';
import { shown } from '../errors/shown.js';
import {
  type MigrationContext,
  migrationContextSchema,
  type PolicyEvaluation,
  policyEvaluationSchema,
} from './decision.js';
import { type Pass, passSchema } from './pass.js';
import { type MigrationResult, resultSchema } from './result.js';

/** Which form the entries have. It goes up when an entry changes, so that no recording is misread. */
export const recordingFormat = 2;

const count = z.number().nonnegative();

/** The first entry of a recording. */
export interface RecordingStart {
  /** What kind of entry it is. */
  readonly type: 'start';
  /** Which form the entries have. */
  readonly format: typeof recordingFormat;
  /** The version of the source's QEMU, such as "7.2.22". */
  readonly qemu: string;
  /** When the migration began, in milliseconds since 1970. */
  readonly startedAtMs: number;
  /** What is known of the migration when it begins. */
  readonly context: MigrationContext;
  /** The options of the migration, or `{ startedBy: 'another program' }` when it was only watched. */
  readonly request: Readonly<Record<string, unknown>>;
}

/** An entry of a recording: one line of the file. */
export type RecordingEntry =
  | RecordingStart
  /** An event of QEMU. */
  | {
      readonly type: 'event';
      readonly name: string;
      readonly data: Readonly<Record<string, unknown>>;
      /** By QEMU's clock. */
      readonly timestamp: { readonly seconds: number; readonly microseconds: number };
    }
  /** An answer to query-migrate. */
  | {
      readonly type: 'sample';
      readonly elapsedMs: number;
      readonly info: Readonly<Record<string, unknown>>;
    }
  /** A pass that has ended. */
  | { readonly type: 'pass'; readonly pass: Pass }
  /** The limits were changed while the migration ran. */
  | {
      readonly type: 'limits';
      readonly elapsedMs: number;
      readonly bandwidthLimitBytesPerSecond: number;
      readonly downtimeLimitMs: number;
    }
  /** The policy was evaluated. */
  | { readonly type: 'policy-evaluation'; readonly evaluation: PolicyEvaluation }
  /** The last entry. */
  | { readonly type: 'end'; readonly result: MigrationResult };

/** Checks an entry that was read from a file. */
export const recordingEntrySchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('start'),
    format: z.literal(recordingFormat),
    qemu: z.string(),
    startedAtMs: count,
    context: migrationContextSchema,
    request: z.record(z.string(), z.unknown()),
  }),
  z.strictObject({
    type: z.literal('event'),
    name: z.string(),
    data: z.record(z.string(), z.unknown()),
    timestamp: z.strictObject({ seconds: z.number(), microseconds: z.number() }),
  }),
  z.strictObject({
    type: z.literal('sample'),
    elapsedMs: count,
    info: z.record(z.string(), z.unknown()),
  }),
  z.strictObject({ type: z.literal('pass'), pass: passSchema }),
  z.strictObject({
    type: z.literal('limits'),
    elapsedMs: count,
    bandwidthLimitBytesPerSecond: count,
    downtimeLimitMs: count,
  }),
  z.strictObject({ type: z.literal('policy-evaluation'), evaluation: policyEvaluationSchema }),
  z.strictObject({ type: z.literal('end'), result: resultSchema }),
]);

/** Is given each entry of a recording as it happens. */
export type Recorder = (entry: RecordingEntry) => void;

/** A recording that was read back. */
export interface Recording {
  /** The first entry. */
  readonly start: RecordingStart;
  /** All entries, the first included. */
  readonly entries: readonly RecordingEntry[];
}

/** A file is not a recording of a migration, is of an older format, or ends within a line. */
export class RecordingError extends FakedirtyError {
  override readonly name = 'RecordingError';
  override readonly code = 'ERR_RECORDING';

  constructor(
    /** The number of the line that is wrong. */
    readonly line: number,
    problem: string,
  ) {
    super(`Line ${line} of the recording: ${problem}`);
  }
}

/** An entry as a line of a recording file, with its line feed. */
export function entryLine(entry: RecordingEntry): string {
  return `${JSON.stringify(recordingEntrySchema.parse(entry))}\n`;
}

/** Says so rather than name every member that differs. Format 1 lacks the policy of each decision. */
function refuseOtherFormat(entry: unknown, line: number): void {
  if (typeof entry !== 'object' || entry === null || !('format' in entry)) return;
  const { format } = entry;
  if (typeof format !== 'number' || format === recordingFormat) return;
  throw new RecordingError(
    line,
    `has format ${format}; this version reads format ${recordingFormat}. Record the migration again, or read ` +
      `it with ${format < recordingFormat ? 'the older' : 'a newer'} version of fakedirty that wrote it`,
  );
}

function parseLine(text: string, line: number): RecordingEntry {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new RecordingError(line, 'expected a JSON object');
  }
  refuseOtherFormat(json, line);
  const { success, data, error } = recordingEntrySchema.safeParse(json);
  if (success) return data;
  const problems = error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new RecordingError(line, `is no entry of a recording (${problems.join('; ')})`);
}

/** Without a last line that was cut: whatever wrote it was killed, or its disk was full. */
function completeLines(text: string): string {
  const end = text.lastIndexOf('\n') + 1;
  try {
    JSON.parse(text.slice(end));
    return text;
  } catch {
    return text.slice(0, end);
  }
}

/** Reads a recording. Its end may be missing, or cut within a line. */
export function parseRecording(text: string): Recording {
  if (typeof text !== 'string') {
    throw new OptionError('text', `is ${shown(text)}; expected the text of a recording`);
  }
  const entries = completeLines(text)
    .split('\n')
    .map((content, index) => ({ content, line: index + 1 }))
    .filter(({ content }) => content !== '')
    .map(({ content, line }) => parseLine(content, line));
  const [start] = entries;
  if (start?.type === 'start') return { start, entries };
  throw new RecordingError(1, 'expected an entry of type "start"');
}
