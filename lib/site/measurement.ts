// What was seen of a VM or of a card: when, over how long, and how surely.
import { z } from 'zod';

/** Which form measurements have. It goes up when what they can say changes. */
export const measurementFormat = 1;

const count = z.number().nonnegative();

/** A number of pages, and its standard error. */
const pageEstimateSchema = z.strictObject({ pages: count, errorPages: count });

/** What a VM wrote to its memory. */
const dirtyingSchema = z.strictObject({
  /** The length of one window. */
  seconds: z.number().positive(),
  /** Pages marked within it, and within twice as long. */
  marked: pageEstimateSchema.optional(),
  markedInDoubleTime: pageEstimateSchema.optional(),
  /** Pages whose contents differed after it. */
  changed: pageEstimateSchema.optional(),
  /** Pages whose contents differed already after a part of it. */
  changedEarly: z.strictObject({ pages: count, ms: count }).optional(),
  /** How long reading a page for the first time took. */
  scanMsPerPage: count.optional(),
});

const vmMeasurementSchema = z.strictObject({
  format: z.literal(measurementFormat),
  kind: z.literal('vm'),
  vm: z.string(),
  atMs: count,
  memoryBytes: z.number().positive(),
  /** Memory that is all zero, as far as that is known. */
  zeroBytes: count.optional(),
  dirtying: dirtyingSchema.optional(),
  /** How many processors its vCPUs kept busy. */
  processors: count.optional(),
  /** What its network cards sent and received. */
  transmitBytesPerSecond: count.optional(),
  receiveBytesPerSecond: count.optional(),
  /** What its disks read and wrote. */
  readBytesPerSecond: count.optional(),
  writeBytesPerSecond: count.optional(),
});

const cardMeasurementSchema = z.strictObject({
  format: z.literal(measurementFormat),
  kind: z.literal('card'),
  host: z.string(),
  card: z.string(),
  atMs: count,
  transmitBytesPerSecond: count,
  receiveBytesPerSecond: count,
});

/** Checks a `Measurement` that was read from a file. */
export const measurementSchema = z.discriminatedUnion('kind', [
  vmMeasurementSchema,
  cardMeasurementSchema,
]);

/** What was seen of a VM or of a card. */
export type Measurement = z.output<typeof measurementSchema>;

/** What was seen of a VM. */
export type VmMeasurement = z.output<typeof vmMeasurementSchema>;
