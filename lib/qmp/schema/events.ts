// The events that this program knows, each with its data. Others can be awaited too.
import { z } from 'zod';
import { fakeDirtyPass } from './fake-dirty.js';
import { migrationStatus } from './migration.js';

const nothing = z.looseObject({});
const cause = z.looseObject({ guest: z.boolean(), reason: z.string() });

export const eventData = {
  MIGRATION: z.looseObject({ status: migrationStatus }),
  MIGRATION_PASS: z.looseObject({ pass: z.number() }),
  MIGRATION_FAKE_DIRTY_PASS: fakeDirtyPass,
  UNPLUG_PRIMARY: z.looseObject({ 'device-id': z.string() }),
  STOP: nothing,
  RESUME: nothing,
  SUSPEND: nothing,
  WAKEUP: nothing,
  POWERDOWN: nothing,
  RESET: cause,
  SHUTDOWN: cause,
  GUEST_PANICKED: z.looseObject({ action: z.string() }),
} satisfies Record<string, z.ZodType>;

export type EventName = keyof typeof eventData;
export type EventData<Name extends EventName> = z.infer<(typeof eventData)[Name]>;
