// Options that several workloads have in common, and whether they fit into the guest.

import { z } from 'zod';
import { mebibyte } from '../../format/bytes.js';
import { shareBytes, type WorkloadEnvironment, WorkloadOptionsError } from './workload.js';

const pageBytes = 4096;
const maxShare = 0.75;

/** A whole number from 1. */
export const positive = z.number().int().positive();
/** If none is given, each round has one of its own. */
export const seed = z.number().int().nonnegative().optional();
/** A share of guest memory that leaves room for the kernel. */
export const share = z.number().min(0.01).max(maxShare);
/** The size of what a workload writes to: a share of guest memory, or bytes. */
export const size = { share: share.default(0.5), bytes: positive.min(pageBytes).optional() };

/** How much of something fits into a guest, and why no more does. */
export interface Capacity {
  /** The largest value that fits. */
  readonly max: number;
  /** Why no larger one does. */
  readonly reason: string;
}

/** The bytes that the kernel leaves. */
export function besideKernel(environment: WorkloadEnvironment): Capacity {
  return { max: shareBytes(environment, maxShare), reason: 'the kernel needs the rest' };
}

/** Returns the value of an option if it fits into the guest, and throws otherwise. */
export function fitting(
  { memoryBytes }: WorkloadEnvironment,
  option: string,
  wanted: number,
  { max, reason }: Capacity,
): number {
  if (wanted <= max) return wanted;
  const memory = `${memoryBytes / mebibyte} MiB`;
  throw new WorkloadOptionsError(
    `${option}: ${wanted} do not fit into a guest of ${memory}; at most ${max} do: ${reason}`,
  );
}

/** The size in bytes: `bytes` if given, else the share, or as much of it as fits. */
export function sizeBytes(
  wanted: { readonly share: number; readonly bytes?: number | undefined },
  environment: WorkloadEnvironment,
  capacity = besideKernel(environment),
): number {
  if (wanted.bytes !== undefined) return fitting(environment, 'bytes', wanted.bytes, capacity);
  return Math.min(shareBytes(environment, wanted.share), capacity.max);
}
