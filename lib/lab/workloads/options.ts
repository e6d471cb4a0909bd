// Options that several workloads have.

import { z } from 'zod';
import { mebibyte } from '../../format/bytes.js';
import { partOf, type Surroundings, WorkloadOptionsError } from './workload.js';

const pageBytes = 4096;
const mostShare = 0.75;

export const positive = z.number().int().positive();
/** Where none is given, each round has one of its own. */
export const seed = z.number().int().nonnegative().optional();
/** A share of guest memory, which leaves room for the kernel. */
export const share = z.number().min(0.01).max(mostShare);
/** Of what a workload writes to: a share of guest memory, or bytes. */
export const size = { share: share.default(0.5), bytes: positive.min(pageBytes).optional() };

/** How much of something a guest has room for, and why no more. */
export interface Room {
  readonly most: number;
  readonly because: string;
}

/** For what runs beside a kernel. */
export function besideKernel(surroundings: Surroundings): Room {
  return { most: partOf(surroundings, mostShare), because: 'the kernel needs the rest' };
}

/** The same number of what an option counts, if there is room for so many. */
export function fitting(
  { memoryBytes }: Surroundings,
  option: string,
  wanted: number,
  { most, because }: Room,
): number {
  if (wanted <= most) return wanted;
  const memory = `${memoryBytes / mebibyte} MiB`;
  throw new WorkloadOptionsError(
    `${option}: ${wanted} do not fit into a guest of ${memory}, ${most} do: ${because}`,
  );
}

/** The bytes that a size comes to: those that are given, else the share, of which what fits. */
export function sizeBytes(
  { share: part, bytes }: { readonly share: number; readonly bytes?: number | undefined },
  surroundings: Surroundings,
  room = besideKernel(surroundings),
): number {
  if (bytes !== undefined) return fitting(surroundings, 'bytes', bytes, room);
  return Math.min(partOf(surroundings, part), room.most);
}
