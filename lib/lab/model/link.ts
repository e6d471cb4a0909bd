// The link between two hosts: how fast it is, how long a packet takes, how many get lost.
import { z } from 'zod';

/** The link between the hosts of an experiment. */
export interface Link {
  /** The rate of each host's network card, in each direction. */
  readonly megabitsPerSecond: number;
  /** One way, from any host to any other. */
  readonly delayMs: number;
  /** Packets lost, one way. */
  readonly lossPercent: number;
}

/** The same, checked. */
export const linkSchema = z.strictObject({
  megabitsPerSecond: z.number().min(1).max(100_000).default(1000),
  delayMs: z.number().min(0).max(1000).default(0),
  lossPercent: z.number().min(0).max(50).default(0),
}) satisfies z.ZodType<Link>;

/** 1 Gbit/s without delay or loss, as in the studies of fake dirty pages. */
export const defaultLink: Link = linkSchema.parse({});

/** The rate of the link in bytes. */
export function linkBytesPerSecond({ megabitsPerSecond }: Link): number {
  return (megabitsPerSecond * 1e6) / 8;
}

/** The link in words, for people. */
export function describeLink({ megabitsPerSecond, delayMs, lossPercent }: Link): string {
  const parts = [`${megabitsPerSecond} Mbit/s`];
  if (delayMs > 0) parts.push(`${delayMs} ms each way`);
  if (lossPercent > 0) parts.push(`${lossPercent} % lost`);
  return parts.join(', ');
}
