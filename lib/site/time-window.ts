// A part of every day, by the clock of the machine that reads it.
import { z } from 'zod';

/** From and to, in minutes since midnight; where `to` is the smaller one, it is of the next day. */
export interface TimeWindow {
  /** When it begins. */
  readonly fromMinute: number;
  /** When it ends. */
  readonly toMinute: number;
}

const pattern = /^(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})$/;

/** Undefined: that is no window. */
export function parseTimeWindow(text: string): TimeWindow | undefined {
  const found = pattern.exec(text);
  if (!found) return undefined;
  const [fromHour = 0, fromRest = 0, toHour = 0, toRest = 0] = found.slice(1).map(Number);
  if (fromHour > 23 || toHour > 24 || fromRest > 59 || toRest > 59) return undefined;
  if (toHour === 24 && toRest > 0) return undefined;
  const [fromMinute, toMinute] = [60 * fromHour + fromRest, 60 * toHour + toRest];
  // Nobody knows whether that is no time at all, or all day.
  return fromMinute === toMinute ? undefined : { fromMinute, toMinute };
}

/** What `parseTimeWindow` reads. */
export const expectedTimeWindow = 'two times of day, such as 22:00-06:00';

function clock(minute: number): string {
  const two = (number: number) => String(number).padStart(2, '0');
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}

/** As people write it. */
export function windowText({ fromMinute, toMinute }: TimeWindow): string {
  return `${clock(fromMinute)}-${clock(toMinute)}`;
}

/** Whether a moment, in milliseconds since 1970, is in it. */
export function isWithin({ fromMinute, toMinute }: TimeWindow, atMs: number): boolean {
  const at = new Date(atMs);
  const minute = 60 * at.getHours() + at.getMinutes();
  if (fromMinute <= toMinute) return minute >= fromMinute && minute < toMinute;
  return minute >= fromMinute || minute < toMinute;
}

/** Checks one that was read from a journal. */
export const timeWindowSchema = z.strictObject({
  fromMinute: z.int().min(0).max(1440),
  toMinute: z.int().min(0).max(1440),
});
