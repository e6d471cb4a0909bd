// A migration as a file of JSON Lines: what was observed, asked and decided. One schema writes and reads it.

import { z } from 'zod';
import { FakedirtyError } from '../errors/error.js';
import { circumstancesSchema, consultationSchema } from './decision.js';
import { passSchema } from './pass.js';
import { resultSchema } from './result.js';

const count = z.number().nonnegative();

const entrySchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('start'),
    format: z.literal(1),
    qemu: z.string(),
    /** When it began, in milliseconds since 1970. */
    startedAtMs: count,
    circumstances: circumstancesSchema,
    /** What was asked for, or that somebody else had started it. */
    asked: z.record(z.string(), z.unknown()),
  }),
  z.strictObject({
    type: z.literal('event'),
    name: z.string(),
    data: z.record(z.string(), z.unknown()),
    /** By QEMU's clock. */
    timestamp: z.strictObject({ seconds: z.number(), microseconds: z.number() }),
  }),
  /** An answer to query-migrate. */
  z.strictObject({
    type: z.literal('sample'),
    elapsedMs: count,
    info: z.record(z.string(), z.unknown()),
  }),
  z.strictObject({ type: z.literal('pass'), pass: passSchema }),
  z.strictObject({ type: z.literal('consultation'), consultation: consultationSchema }),
  z.strictObject({ type: z.literal('end'), result: resultSchema }),
]);
export type RecordingEntry = z.infer<typeof entrySchema>;
export type RecordingStart = Extract<RecordingEntry, { type: 'start' }>;

/** Takes what is observed as it happens. */
export type Recorder = (entry: RecordingEntry) => void;

/** A recording that was read back. */
export interface Recording {
  readonly start: RecordingStart;
  readonly entries: readonly RecordingEntry[];
}

/** This is no recording, or one that ends within a line. */
export class RecordingError extends FakedirtyError {
  override readonly name = 'RecordingError';
  override readonly code = 'ERR_RECORDING';

  constructor(
    readonly line: number,
    problem: string,
  ) {
    super(`Line ${line} of the recording: ${problem}`);
  }
}

/** A line of the file, its end included. */
export function entryLine(entry: RecordingEntry): string {
  return `${JSON.stringify(entrySchema.parse(entry))}\n`;
}

function parseLine(text: string, line: number): RecordingEntry {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new RecordingError(line, 'expected an object of JSON');
  }
  const { success, data, error } = entrySchema.safeParse(json);
  if (success) return data;
  throw new RecordingError(line, z.prettifyError(error).replaceAll('\n', ' '));
}

/** Reads a recording, which may lack its end: whoever wrote it may have been killed. */
export function parseRecording(text: string): Recording {
  const entries = text
    .split('\n')
    .map((content, index) => ({ content, line: index + 1 }))
    .filter(({ content }) => content !== '')
    .map(({ content, line }) => parseLine(content, line));
  const [start] = entries;
  if (start?.type === 'start') return { start, entries };
  throw new RecordingError(1, 'expected an entry of type "start"');
}
