// What lies between two hosts: how fast it is, how long a packet takes, how many get lost.
import { z } from 'zod';

export const linkSchema = z.strictObject({
  /** Of each host's network card, in each direction. */
  megabitsPerSecond: z.number().min(1).max(100_000).default(1000),
  /** One way, from any host to any other. */
  delayMs: z.number().min(0).max(1000).default(0),
  lossPercent: z.number().min(0).max(50).default(0),
});

export type Link = z.output<typeof linkSchema>;

/** As fast as in the studies of fake dirty pages. */
export const defaultLink: Link = linkSchema.parse({});

const frameBytes = 1514;
/** Longer queues only make everybody wait; shorter ones drop what TCP sends at once. */
const queueMs = 20;

export function linkBytesPerSecond({ megabitsPerSecond }: Link): number {
  return (megabitsPerSecond * 1e6) / 8;
}

export function describeLink({ megabitsPerSecond, delayMs, lossPercent }: Link): string {
  const parts = [`${megabitsPerSecond} Mbit/s`];
  if (delayMs > 0) parts.push(`${delayMs} ms each way`);
  if (lossPercent > 0) parts.push(`${lossPercent} % lost`);
  return parts.join(', ');
}

/** Whether the link needs netem, which not every kernel has. */
export function needsNetem({ delayMs, lossPercent }: Link): boolean {
  return delayMs > 0 || lossPercent > 0;
}

/** What goes in at a time at most: a few milliseconds' worth, and never less than TCP hands over at once. */
function burstBytes(link: Link): number {
  return Math.max(128 * 1024, Math.ceil(linkBytesPerSecond(link) * 0.002));
}

function rateArguments(link: Link): string[] {
  return [
    'tbf',
    ...['rate', `${link.megabitsPerSecond}mbit`],
    ...['burst', String(burstBytes(link))],
    ...['latency', `${queueMs}ms`],
  ];
}

/** Arguments of tc that limit what leaves by `device`. */
export function rateCommands(device: string, link: Link): string[][] {
  return [['qdisc', 'add', 'dev', device, 'root', ...rateArguments(link)]];
}

/** The same, with delay and loss: for one end of each way alone, so that they count once. */
export function wholeCommands(device: string, link: Link): string[][] {
  if (!needsNetem(link)) return rateCommands(device, link);
  const { delayMs, lossPercent } = link;
  const inFlight = (linkBytesPerSecond(link) * (delayMs + queueMs)) / 1000 / frameBytes;
  const netem = [
    'netem',
    ...['limit', String(Math.ceil(inFlight) + 1000)],
    ...['delay', `${delayMs}ms`],
    ...(lossPercent > 0 ? ['loss', `${lossPercent}%`] : []),
  ];
  return [
    ['qdisc', 'add', 'dev', device, 'root', 'handle', '1:', ...netem],
    ['qdisc', 'add', 'dev', device, 'parent', '1:1', 'handle', '10:', ...rateArguments(link)],
  ];
}
