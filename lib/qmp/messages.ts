// The messages of QMP, one JSON object a line, as QEMU's docs/interop/qmp-spec specifies them.
import { z } from 'zod';
import { eventData, type QmpEventData, type QmpEventName } from './schema/events.js';
import { versionInfo } from './schema/vm.js';

const greeting = z.object({
  QMP: z.looseObject({ version: versionInfo, capabilities: z.array(z.string()) }),
});

/** An event with such data, which QEMU leaves out where there is none. */
function eventWith(data: z.ZodType<Record<string, unknown>, Record<string, unknown>>) {
  return z.object({
    event: z.string(),
    data: data.prefault({}),
    // QEMU writes -1 where its clock fails.
    timestamp: z.object({ seconds: z.number(), microseconds: z.number() }),
  });
}

const unknownEvent = eventWith(z.record(z.string(), z.unknown()));
const knownEvents: ReadonlyMap<unknown, z.ZodType<QmpEvent>> = new Map(
  Object.entries(eventData).map(([name, data]) => [name, eventWith(data)]),
);

const failure = z.object({
  error: z.looseObject({ class: z.string(), desc: z.string() }),
  id: z.unknown().optional(),
});

const success = z
  .object({ return: z.unknown(), id: z.unknown().optional() })
  .refine((object) => 'return' in object);

/** QEMU's greeting: its version and the capabilities of its QMP. */
export type QmpGreeting = z.infer<typeof greeting>['QMP'];
/** An event: its name, its data, and when QEMU sent it. */
export type QmpEvent = z.infer<typeof unknownEvent>;
/** The answer to a command. */
export type QmpAnswer = z.infer<typeof failure> | z.infer<typeof success>;
/** Any message of QEMU. */
export type QmpMessage = QmpEvent | QmpAnswer | z.infer<typeof greeting>;

/** An event that is typed: its name says what its data is. */
export type KnownEvent<Name extends QmpEventName> = {
  [Each in Name]: Omit<QmpEvent, 'event' | 'data'> & { event: Each; data: QmpEventData<Each> };
}[Name];

/** When QEMU sent an event, in milliseconds since 1970, by the clock of its host. */
export function eventTimeMs(event: QmpEvent): number {
  const { seconds, microseconds } = event.timestamp;
  return seconds * 1000 + microseconds / 1000;
}

/** A message's members say what kind it is. Only that schema is tried, since there may be many events. */
function schemaOf(received: object): z.ZodType<QmpMessage> {
  if ('event' in received) return knownEvents.get(received.event) ?? unknownEvent;
  if ('error' in received) return failure;
  return 'QMP' in received ? greeting : success;
}

/** A line as a message; undefined if it is not one. */
export function parseMessage(line: string): QmpMessage | undefined {
  let received: unknown;
  try {
    received = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof received !== 'object' || received === null) return undefined;
  return schemaOf(received).safeParse(received).data;
}
