// A migration's journal: what another process needs to take the migration over if its controller is killed. It holds
// decisions and earlier settings, but nothing that QEMU can still be asked for.
import { z } from 'zod';
import { FakedirtyError } from '../errors/error.js';
import type { ProcessIdentity } from '../system/owner.js';
import {
  type Decision,
  decisionSchema,
  type MigrationContext,
  migrationContextSchema,
} from './decision.js';
import { type Pass, passSchema } from './pass.js';
import { type GuestLocation, guestLocationSchema, type Outcome, outcomes } from './result.js';

/** Which form the entries have. It goes up when an entry changes. */
export const journalFormat = 1;

const count = z.number().nonnegative();

const processIdentitySchema = z.strictObject({
  pid: z.int().positive(),
  start: z.string(),
  namespace: z.string(),
});

/** Settings of a QEMU. */
export interface KeptSettings {
  /** Capabilities, on or off. */
  readonly capabilities: Readonly<Record<string, boolean>>;
  /** Parameters. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

const keptSettingsSchema = z.strictObject({
  capabilities: z.record(z.string(), z.boolean()),
  parameters: z.record(z.string(), z.unknown()),
});

/** The first entry of a journal, written before anything is changed. */
export interface JournalBegin {
  /** What kind of entry it is. */
  readonly type: 'begin';
  /** Which form the entries have. */
  readonly format: typeof journalFormat;
  /** When, in milliseconds since 1970. */
  readonly atMs: number;
  /** Who controls the migration. */
  readonly controller: ProcessIdentity;
  /** The source. */
  readonly source: {
    /** Its QMP; left out if that is no address. */
    readonly qmp?: string | undefined;
    /** Its QEMU, where that runs on this machine. */
    readonly process?: ProcessIdentity | undefined;
    /** Whether its guest ran. */
    readonly running: boolean;
    /** What is to be put back. */
    readonly before: KeptSettings;
  };
  /** The destination. */
  readonly destination: {
    /** Where it listens. */
    readonly uri: string;
    /** Its QMP, if that is used. */
    readonly qmp?: string | undefined;
    /** What is to be put back there. */
    readonly before?: KeptSettings | undefined;
  };
  /** As in `MigrateOptions`. */
  readonly method: 'pre-copy' | 'post-copy' | 'hybrid';
  /** As in `MigrateOptions`. */
  readonly holdAtDestination: boolean;
  /** As in `MigrateOptions`; left out by versions that did not know it. */
  readonly destinationIsHeld?: boolean | undefined;
  /** As in `MigrateOptions`. */
  readonly onPolicyFailure: 'cancel' | 'go-on';
  /** The policy in words, as `parsePolicies` reads them; left out if there is none, or none in words. */
  readonly policy?: readonly string[] | undefined;
  /** What is known of the migration when it begins. */
  readonly context: MigrationContext;
}

/** An entry of a journal: one line of the file. */
export type JournalEntry =
  | JournalBegin
  /** QEMU is about to be told to migrate. */
  | { readonly type: 'migrate'; readonly atMs: number; readonly uri: string }
  /** A pass that has ended: a policy decides by all of them. */
  | { readonly type: 'pass'; readonly pass: Pass }
  /** Something other than going on was decided. */
  | { readonly type: 'decision'; readonly elapsedMs: number; readonly decision: Decision }
  /** The guest is about to be stopped for the end of the migration. */
  | { readonly type: 'stop-guest'; readonly elapsedMs: number }
  /** The migration is about to be cancelled, and the destination to be kept from running the guest. */
  | { readonly type: 'cancel'; readonly elapsedMs: number; readonly reason: string }
  /** Another process controls it from now on. */
  | { readonly type: 'taken-over'; readonly atMs: number; readonly controller: ProcessIdentity }
  /** The last entry. */
  | {
      readonly type: 'end';
      readonly atMs: number;
      readonly outcome: Outcome;
      readonly reason: string;
      readonly guest: GuestLocation;
    };

export const journalEntrySchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('begin'),
    format: z.literal(journalFormat),
    atMs: count,
    controller: processIdentitySchema,
    source: z.strictObject({
      qmp: z.string().optional(),
      process: processIdentitySchema.optional(),
      running: z.boolean(),
      before: keptSettingsSchema,
    }),
    destination: z.strictObject({
      uri: z.string(),
      qmp: z.string().optional(),
      before: keptSettingsSchema.optional(),
    }),
    method: z.enum(['pre-copy', 'post-copy', 'hybrid']),
    holdAtDestination: z.boolean(),
    destinationIsHeld: z.boolean().optional(),
    onPolicyFailure: z.enum(['cancel', 'go-on']),
    policy: z.array(z.string()).readonly().optional(),
    context: migrationContextSchema,
  }),
  z.strictObject({ type: z.literal('migrate'), atMs: count, uri: z.string() }),
  z.strictObject({ type: z.literal('pass'), pass: passSchema }),
  z.strictObject({ type: z.literal('decision'), elapsedMs: count, decision: decisionSchema }),
  z.strictObject({ type: z.literal('stop-guest'), elapsedMs: count }),
  z.strictObject({ type: z.literal('cancel'), elapsedMs: count, reason: z.string() }),
  z.strictObject({
    type: z.literal('taken-over'),
    atMs: count,
    controller: processIdentitySchema,
  }),
  z.strictObject({
    type: z.literal('end'),
    atMs: count,
    outcome: z.enum(outcomes),
    reason: z.string(),
    guest: guestLocationSchema,
  }),
]);

/** Keeps an entry. It must not be lost with this process; a decision not with this machine either. */
export type JournalWriter = (entry: JournalEntry) => void;

/** How a migration keeps a journal. */
export interface JournalOptions {
  /** Keeps each entry. */
  readonly write: JournalWriter;
  /** The policy in words: another process can't have the function. */
  readonly policy?: readonly string[] | undefined;
}

/** A journal that was read back. */
export interface Journal {
  /** The first entry. */
  readonly begin: JournalBegin;
  /** Who controlled the migration last. */
  readonly controller: ProcessIdentity;
  /** When QEMU was told to migrate; undefined if the journal ends before that. */
  readonly migrateAtMs: number | undefined;
  /** The passes that had ended. */
  readonly passes: readonly Pass[];
  /** What was decided, if anything but going on was. */
  readonly decision: Decision | undefined;
  /** The guest was stopped for the end of the migration, or was about to be. */
  readonly stopsGuest: boolean;
  /** Why it was being cancelled, if it was. */
  readonly cancelReason: string | undefined;
  /**
   * The last entry; undefined if whoever wrote the journal was killed before, or has taken the migration over since. After
   * the outcome `unknown` it can still be taken over: nothing has been put back.
   */
  readonly end: Extract<JournalEntry, { type: 'end' }> | undefined;
}

/** Whether a migration can still be taken over: it has not ended, or its controller lost sight of it. */
export function isOpen({ end }: Pick<Journal, 'end'>): boolean {
  return end === undefined || end.outcome === 'unknown';
}

/** A file is not a journal of a migration, or can't be used for what was asked. */
export class JournalError extends FakedirtyError {
  override readonly name = 'JournalError';
  override readonly code = 'ERR_JOURNAL';
}

function parseLine(text: string, line: number): JournalEntry {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new JournalError(`Line ${line} of the journal: expected a JSON object.`);
  }
  const { success, data, error } = journalEntrySchema.safeParse(json);
  if (success) return data;
  const problems = z.prettifyError(error).replaceAll(/\s*\n\s*/g, ' ');
  throw new JournalError(`Line ${line} of the journal: ${problems}`);
}

/** Reads a journal. What was being written when the process was killed is left out: it has not been done either. */
export function parseJournal(text: string): Journal {
  const complete = text.slice(0, text.lastIndexOf('\n') + 1);
  const entries = complete
    .split('\n')
    .slice(0, -1)
    .map((content, index) => parseLine(content, index + 1));
  const [begin] = entries;
  if (begin?.type !== 'begin') throw new JournalError('The journal has no beginning.');
  const last = <Type extends JournalEntry['type']>(type: Type) =>
    entries.findLast(
      (entry): entry is Extract<JournalEntry, { type: Type }> => entry.type === type,
    );
  const hasEnded =
    entries.findLast(({ type }) => type === 'end' || type === 'taken-over')?.type === 'end';
  return {
    begin,
    controller: (last('taken-over') ?? begin).controller,
    migrateAtMs: last('migrate')?.atMs,
    passes: entries.flatMap((entry) => (entry.type === 'pass' ? [entry.pass] : [])),
    decision: last('decision')?.decision,
    stopsGuest: last('stop-guest') !== undefined,
    cancelReason: last('cancel')?.reason,
    end: hasEnded ? last('end') : undefined,
  };
}

/** An entry as a line of a journal file, with its line feed. */
export function journalLine(entry: JournalEntry): string {
  return `${JSON.stringify(journalEntrySchema.parse(entry))}\n`;
}
