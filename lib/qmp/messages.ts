// The messages of QMP, one JSON object a line, as QEMU's docs/interop/qmp-spec lays them down.
import { z } from 'zod';

const greeting = z.object({
  QMP: z.object({
    version: z.object({
      qemu: z.object({ major: z.number(), minor: z.number(), micro: z.number() }),
      package: z.string(),
    }),
    capabilities: z.array(z.string()),
  }),
});

const event = z.object({
  event: z.string(),
  data: z.record(z.string(), z.unknown()).default({}),
  timestamp: z.object({ seconds: z.number(), microseconds: z.number() }),
});

const failure = z.object({
  error: z.object({ class: z.string(), desc: z.string() }),
  id: z.unknown().optional(),
});

const success = z
  .object({ return: z.unknown(), id: z.unknown().optional() })
  .refine((object) => 'return' in object);

// The loosest last: a union takes the first that fits.
const message = z.union([event, failure, greeting, success]);

export type QmpGreeting = z.infer<typeof greeting>['QMP'];
export type QmpEvent = z.infer<typeof event>;
export type QmpMessage = z.infer<typeof message>;

/** One line as a message; undefined when it is none. */
export function parseMessage(line: string): QmpMessage | undefined {
  try {
    return message.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}
