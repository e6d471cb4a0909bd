// The events that are typed, each with its data. Others can be awaited too.
import { z } from 'zod';
import { fakeDirtyPass } from './fake-dirty.js';
import { migrationStatus } from './migration.js';

const nothing = z.looseObject({});
const cause = z.looseObject({ guest: z.boolean(), reason: z.string() });

/** The form of each event's data. */
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

/** The name of an event that is typed. */
export type QmpEventName = keyof typeof eventData;
/** The data of an event that is typed. */
export type QmpEventData<Name extends QmpEventName> = z.infer<(typeof eventData)[Name]>;
