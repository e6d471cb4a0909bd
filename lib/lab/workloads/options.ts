// Options that several workloads have.
import { z } from 'zod';

export const positive = z.number().int().positive();
export const seed = z.number().int().nonnegative().default(1);
/** A share of guest memory. */
export const share = z.number().min(0.01).max(0.75);
