// Options that several workloads have.
import { z } from 'zod';
import { partOf, type Surroundings } from './workload.js';

export const positive = z.number().int().positive();
/** Where none is given, each round has one of its own. */
export const seed = z.number().int().nonnegative().optional();
/** A share of guest memory, which leaves room for the kernel. */
export const share = z.number().min(0.01).max(0.75);
/** Of what a workload writes to: a share of guest memory, or bytes. */
export const size = { share: share.default(0.5), bytes: positive.optional() };

/** The bytes that a size comes to: those that are given, else the share. */
export function sizeBytes(
  { share: part, bytes }: { readonly share: number; readonly bytes?: number | undefined },
  surroundings: Surroundings,
): number {
  return bytes ?? partOf(surroundings, part);
}
