// Names that a newer QEMU may add to: those known are offered, others pass.
import { z } from 'zod';

/** One of these names, or one that this program does not know. */
export type Open<Name extends string> = Name | (string & Record<never, never>);

export function openNames<const Name extends string>(..._known: Name[]): z.ZodType<Open<Name>> {
  return z.string() as z.ZodType<Open<Name>>;
}
