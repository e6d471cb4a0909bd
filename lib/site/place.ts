// Where a VM is: what a driver needs to find it again.
import { z } from 'zod';

/** A process that can be told from a later one with the same number. */
const processSchema = z.strictObject({
  pid: z.int().positive(),
  start: z.string(),
  namespace: z.string(),
});

/** Checks a `Place` that was read from a file. */
export const placeSchema = z.discriminatedUnion('driver', [
  z.strictObject({
    driver: z.literal('qmp'),
    host: z.string(),
    /** Its QMP. */
    qmp: z.string(),
    /** Its QEMU, once that is known. */
    process: processSchema.optional(),
    /** The folder of its sockets and files, if it was made for it. */
    folder: z.string().optional(),
  }),
  z.strictObject({
    driver: z.literal('libvirt'),
    host: z.string(),
    /** What libvirt knows it by; its name, as long as nobody has looked. */
    uuid: z.string(),
    /** Whether it is defined, and not only running. */
    persistent: z.boolean().optional(),
    /** Whether it is started with its host. */
    autostart: z.boolean().optional(),
  }),
]);

/** Where a VM is. */
export type Place = z.output<typeof placeSchema>;
