// The messages of QMP, one JSON object a line, as QEMU's docs/interop/qmp-spec lays them down.
import { z } from 'zod';
import { type EventData, type EventName, eventData, isEventName } from './schema/events.js';
import { versionInfo } from './schema/vm.js';

const greeting = z.object({
  QMP: z.looseObject({ version: versionInfo, capabilities: z.array(z.string()) }),
});

const event = z.object({
  event: z.string(),
  data: z.record(z.string(), z.unknown()).default({}),
  // QEMU writes -1 where its clock fails.
  timestamp: z.object({ seconds: z.number(), microseconds: z.number() }),
});

const failure = z.object({
  error: z.looseObject({ class: z.string(), desc: z.string() }),
  id: z.unknown().optional(),
});

const success = z
  .object({ return: z.unknown(), id: z.unknown().optional() })
  .refine((object) => 'return' in object);

// The loosest last: a union takes the first that fits.
const message = z.union([event, failure, greeting, success]);

export type QmpGreeting = z.infer<typeof greeting>['QMP'];
export type QmpEvent = z.infer<typeof event>;
export type QmpAnswer = z.infer<typeof failure> | z.infer<typeof success>;
export type QmpMessage = z.infer<typeof message>;

/** An event whose name, and so whose data, is known. */
export type KnownEvent<Name extends EventName> = {
  [Each in Name]: Omit<QmpEvent, 'event' | 'data'> & { event: Each; data: EventData<Each> };
}[Name];

/** When QEMU sent it, in milliseconds since 1970, by the clock of its host. */
export function eventTimeMs({ timestamp: { seconds, microseconds } }: QmpEvent): number {
  return seconds * 1000 + microseconds / 1000;
}

function hasKnownData({ event: name, data }: QmpEvent): boolean {
  return !isEventName(name) || eventData[name].safeParse(data).success;
}

/** One line as a message; undefined when it is none. */
export function parseMessage(line: string): QmpMessage | undefined {
  let parsed: QmpMessage;
  try {
    parsed = message.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
  return 'event' in parsed && !hasKnownData(parsed) ? undefined : parsed;
}
