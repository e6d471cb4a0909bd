// The journal of a site's moves: what was decided, by whom and why, each line written before it is carried out. Facts
// are not in it: they are looked at anew each time.
import { z } from 'zod';
import { decisionSchema } from '../../migration/decision.js';
import { moveSchema } from '../../site/move.js';
import { placeSchema } from '../../site/place.js';
import { planSchema } from '../../site/plan.js';
import { timeWindowSchema } from '../../site/time-window.js';
import { FleetJournalError } from '../errors.js';

/** Which form the entries have. It goes up when an entry changes. */
export const fleetJournalFormat = 1;

const count = z.number().nonnegative();
const at = { atMs: count };

/** What a person wants of a drain that is under way. */
export const intents = ['pause', 'resume', 'cancel'] as const;

/** What a person says of a VM where nothing that is seen can tell. */
export const settlements = ['source', 'destination', 'lost'] as const;

const wishSchema = z.discriminatedUnion('wants', [
  z.strictObject({ wants: z.enum(intents), user: z.string() }),
  /** A person has looked. */
  z.strictObject({
    wants: z.literal('settle'),
    user: z.string(),
    vm: z.string(),
    as: z.enum(settlements),
  }),
]);

/** What a person wants of whoever carries moves out. */
export type Wish = z.output<typeof wishSchema>;

const drainOptionsSchema = z.strictObject({
  /** Moves that may fail before the drain stops. */
  stopAfterFailures: z.int().positive(),
  /** No move begins that would not end by then. */
  byMs: count.optional(),
  /** When moves may begin; none: at any time. */
  windows: z.array(timeWindowSchema).readonly().default([]),
  /** After so many moves a person looks, and has the rest follow. */
  canary: z.int().positive().optional(),
});

export const fleetEntrySchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('begin'),
    format: z.literal(fleetJournalFormat),
    ...at,
    /** The description of the site. */
    site: z.string(),
    /** A part of the names of all attempts, so that two journals never take the same one. */
    mark: z.string(),
  }),
  /** A process that carries out what follows. */
  z.strictObject({
    type: z.literal('controller'),
    ...at,
    user: z.string(),
    pid: z.int(),
    command: z.string(),
  }),
  z.strictObject({
    type: z.literal('drain'),
    ...at,
    host: z.string(),
    options: drainOptionsSchema,
  }),
  /** What has been decided; it replaces what had been before. */
  z.strictObject({
    type: z.literal('plan'),
    ...at,
    ...planSchema.shape,
  }),
  z.strictObject({ type: z.literal('cordon'), ...at, host: z.string() }),
  z.strictObject({ type: z.literal('uncordon'), ...at, host: z.string() }),
  /** An attempt at a move begins. */
  z.strictObject({
    type: z.literal('attempt'),
    ...at,
    /** Its name, which no other attempt has. */
    attempt: z.string(),
    move: moveSchema,
    source: placeSchema,
    /** Where it will be. */
    destination: placeSchema,
    /** Where the destination listens. */
    listen: z.string(),
  }),
  /** Both sides look different than before. */
  z.strictObject({
    type: z.literal('seen'),
    ...at,
    attempt: z.string(),
    source: z.string(),
    destination: z.string(),
  }),
  /** Something is about to be done. */
  z.strictObject({
    type: z.literal('act'),
    ...at,
    attempt: z.string(),
    action: z.string(),
  }),
  /** It could not be done. */
  z.strictObject({
    type: z.literal('failed-act'),
    ...at,
    attempt: z.string(),
    action: z.string(),
    reason: z.string(),
    /** It was not done, and will not be; left out: that is not known. */
    isRefused: z.boolean().optional(),
  }),
  /** Its policy has chosen something other than to go on. */
  z.strictObject({
    type: z.literal('decided'),
    ...at,
    attempt: z.string(),
    decision: decisionSchema,
  }),
  /** The attempt is to be given up. */
  z.strictObject({
    type: z.literal('give-up'),
    ...at,
    attempt: z.string(),
    reason: z.string(),
  }),
  /** A person has started or moved a VM by other means, and says where it is. */
  z.strictObject({
    type: z.literal('placed'),
    ...at,
    vm: z.string(),
    place: placeSchema,
    user: z.string(),
  }),
  /** Something went wrong that keeps nothing from going on. */
  z.strictObject({ type: z.literal('trouble'), ...at, reason: z.string() }),
  /** A person has to look. */
  z.strictObject({
    type: z.literal('asked'),
    ...at,
    attempt: z.string(),
    reason: z.string(),
  }),
  z.strictObject({
    type: z.literal('ended'),
    ...at,
    attempt: z.string(),
    outcome: z.enum(['moved', 'stayed', 'lost']),
    reason: z.string(),
    /** It came to nothing because whoever carried it out was killed: it is made again. */
    isInterrupted: z.boolean().optional(),
    figures: z
      .strictObject({
        timeMs: count,
        bytes: count,
        /** The guest stood still so long, from what QEMU says and from when it was seen to run again. */
        downtimeMs: count.optional(),
        passes: z.int().nonnegative(),
      })
      .optional(),
  }),
  /** A person wants something, and it is obeyed from now on. */
  z.strictObject({
    type: z.literal('wish'),
    ...at,
    wish: wishSchema,
    /** It came by a signal to the process that carries moves out, and not by the file of wishes. */
    isSignal: z.boolean().optional(),
  }),
  z.strictObject({
    type: z.literal('drained'),
    ...at,
    host: z.string(),
    outcome: z.enum(['drained', 'cancelled', 'stopped']),
    reason: z.string(),
  }),
]);

/** A line of the journal. */
export type FleetEntry = z.output<typeof fleetEntrySchema>;

/** What a person wants of a drain that is under way. */
export type Intent = (typeof intents)[number];

/** What a person says of a VM. */
export type Settlement = (typeof settlements)[number];

/** One kind of entry. */
export type EntryOf<Type extends FleetEntry['type']> = Extract<FleetEntry, { type: Type }>;

/** What a move cost. */
export type MoveFigures = NonNullable<EntryOf<'ended'>['figures']>;

/**
 * Reads what people want. A line that says nothing is passed over, as one that a full disk has cut off: whoever carries
 * moves out must not end because of it.
 */
export function parseWishes(text: string): Wish[] {
  return text
    .split('\n')
    .slice(0, -1)
    .flatMap((line) => {
      try {
        return [wishSchema.parse(JSON.parse(line))];
      } catch {
        return [];
      }
    });
}

/** Reads a journal. A last line that was not written to its end does not count. */
export function parseFleetJournal(text: string): FleetEntry[] {
  const lines = text.split('\n');
  // What follows the last line feed was being written when the process was killed.
  lines.pop();
  return lines.map((line, at) => {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      throw new FleetJournalError(`line ${at + 1} is not JSON`);
    }
    const { success, data, error } = fleetEntrySchema.safeParse(value);
    if (success) return data;
    throw new FleetJournalError(`line ${at + 1}: ${z.prettifyError(error)}`);
  });
}
