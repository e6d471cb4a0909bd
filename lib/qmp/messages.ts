// The messages of QMP, one JSON object a line, as QEMU's docs/interop/qmp-spec lays them down.
import { z } from 'zod';
import { type EventData, type EventName, eventData } from './schema/events.js';
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

export type QmpGreeting = z.infer<typeof greeting>['QMP'];
export type QmpEvent = z.infer<typeof unknownEvent>;
export type QmpAnswer = z.infer<typeof failure> | z.infer<typeof success>;
export type QmpMessage = QmpEvent | QmpAnswer | z.infer<typeof greeting>;

/** An event whose name, and so whose data, is known. */
export type KnownEvent<Name extends EventName> = {
  [Each in Name]: Omit<QmpEvent, 'event' | 'data'> & { event: Each; data: EventData<Each> };
}[Name];

/** When QEMU sent it, in milliseconds since 1970, by the clock of its host. */
export function eventTimeMs({ timestamp: { seconds, microseconds } }: QmpEvent): number {
  return seconds * 1000 + microseconds / 1000;
}

/** A message shows by its members what it wants to be. Only that is tried: events may come thick and fast. */
function schemaOf(received: object): z.ZodType<QmpMessage> {
  if ('event' in received) return knownEvents.get(received.event) ?? unknownEvent;
  if ('error' in received) return failure;
  return 'QMP' in received ? greeting : success;
}

/** One line as a message; undefined when it is none. */
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
