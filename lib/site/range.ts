// A figure that is not known exactly.
import { z } from 'zod';

/** JSON has no word for infinity. */
const never = 'never';

const figure = z.union([
  z.number().nonnegative(),
  z.literal(never).transform(() => Number.POSITIVE_INFINITY),
]);

/** In the good case, as expected, and in the bad case. */
export const rangeSchema = z
  .strictObject({ low: figure, expected: figure, high: figure })
  .refine(
    ({ low, expected, high }) => low <= expected && expected <= high,
    'expected low ≤ expected ≤ high',
  );

/** In the good case, as expected, and in the bad case; infinite where something never ends. */
export type Range = z.output<typeof rangeSchema>;

/** For JSON.stringify: what a schema here reads again. */
export function withoutInfinity(_key: string, value: unknown): unknown {
  return value === Number.POSITIVE_INFINITY ? never : value;
}
