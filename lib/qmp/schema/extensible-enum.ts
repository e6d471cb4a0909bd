// Names that a newer QEMU may extend: the known ones are offered, others are accepted.
import { z } from 'zod';

/** One of these names, or one that a newer QEMU may have. */
export type Extensible<Name extends string> = Name | (string & Record<never, never>);

export function extensibleEnum<const Name extends string>(
  ..._known: Name[]
): z.ZodType<Extensible<Name>> {
  return z.string() as z.ZodType<Extensible<Name>>;
}
