// The machine that something was measured on.
import { z } from 'zod';

const positive = z.int().positive();

/** The machine that something was measured on, and the software that measured. */
export const machineSchema = z.strictObject({
  processor: z.string(),
  processors: positive,
  memoryBytes: positive,
  system: z.string(),
  node: z.string(),
  fakedirty: z.string(),
});

/** The machine that something was measured on, and the software that measured. */
export interface MachineFacts extends Readonly<z.output<typeof machineSchema>> {}
