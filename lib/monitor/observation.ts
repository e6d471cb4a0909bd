// What is told of a VM that is observed: one JSON line each, which can be read again.
import { z } from 'zod';

const rate = z.number().nonnegative();

/** How much of a processor one vCPU uses. */
const vcpuUseSchema = z.strictObject({
  name: z.string(),
  /** 1: all of one. */
  share: rate,
});

/** How fast one network card of a VM sends and receives, as the VM sees it. */
const interfaceUseSchema = z.strictObject({
  /** The name of the host's end. */
  name: z.string(),
  transmitBytesPerSecond: rate,
  receiveBytesPerSecond: rate,
});

/** How fast one disk of a VM reads and writes. */
const diskUseSchema = z.strictObject({
  name: z.string(),
  readBytesPerSecond: rate,
  writeBytesPerSecond: rate,
});

const vmUseSchema = z.strictObject({
  /** Over how long it was measured. */
  seconds: z.number().positive(),
  /** Left out where it can't be seen. */
  vcpus: z.array(vcpuUseSchema).readonly().optional(),
  /** Left out where it can't be seen. */
  interfaces: z.array(interfaceUseSchema).readonly().optional(),
  disks: z.array(diskUseSchema).readonly(),
  /** What was there before and is not any more, by its name. */
  vanished: z.array(z.string()).readonly(),
});

/** What a VM uses. */
export type VmUse = z.output<typeof vmUseSchema>;

const observationSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('use'), atMs: z.number(), use: vmUseSchema }),
  /** The last one: nobody answers at its QMP any more. */
  z.strictObject({ type: z.literal('gone'), atMs: z.number(), reason: z.string() }),
]);

/** What was seen of a VM. */
export type VmObservation = z.output<typeof observationSchema>;

/** Reads one line, or says what is wrong with it. */
export function parseObservation(
  line: string,
): { readonly observation: VmObservation } | { readonly problem: string } {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return { problem: 'this is no JSON' };
  }
  const { success, data, error } = observationSchema.safeParse(value);
  if (success) return { observation: data };
  const [issue] = error.issues;
  return { problem: `${issue?.path.join('.') || 'the line'}: ${issue?.message}` };
}
