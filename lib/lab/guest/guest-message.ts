// The messages of a Linux guest's first process (native/guest/linux/init.c) and of programs like those in the guest:
// one line of JSON each.
import { z } from 'zod';
import { GuestError } from '../../qemu/machine/errors.js';
import { workloadReportSchema } from '../model/workload-report.js';

const counted = z.int().nonnegative();

const messageSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('ready') }),
  z.strictObject({ type: z.literal('started'), text: z.string() }),
  z.strictObject({ type: z.literal('running') }),
  /** How far a program is with preparing its work, or with checking it. */
  z.strictObject({ type: z.literal('progress'), text: z.string() }),
  z.strictObject({ type: z.literal('output'), text: z.string() }),
  z.strictObject({ type: z.literal('error'), text: z.string() }),
  z.strictObject({ type: z.literal('memory'), totalBytes: counted, freeBytes: counted }),
  z.strictObject({
    type: z.literal('check'),
    what: z.string(),
    checked: counted,
    wrong: counted,
  }),
  z.strictObject({ type: z.literal('exit'), status: counted, signal: counted }),
  workloadReportSchema.extend({ type: z.literal('report'), operations: counted }),
]);

/** A message of a guest, or of a program like those in the guest. */
export type GuestMessage = Readonly<z.output<typeof messageSchema>>;

/** A message of that type. */
export type GuestMessageOf<Type extends GuestMessage['type']> = Extract<
  GuestMessage,
  { type: Type }
>;

/** Throws when the line is not a message. */
export function parseGuestMessage(line: string): GuestMessage {
  try {
    return messageSchema.parse(JSON.parse(line));
  } catch (cause) {
    throw new GuestError(`This is not a message of the guest's first process: ${line}`, { cause });
  }
}
