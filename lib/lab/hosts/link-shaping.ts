// The arguments of tc that give a network device the rate, delay and loss of a link.
import { type Link, linkBytesPerSecond } from '../model/link.js';

const frameBytes = 1514;
/** Longer queues only add latency; shorter ones drop what TCP sends in one burst. */
const queueMs = 20;

/** Whether the link needs netem, which not every kernel has. */
export function needsNetem({ delayMs, lossPercent }: Link): boolean {
  return delayMs > 0 || lossPercent > 0;
}

/** The largest burst: a few milliseconds' worth, and never less than TCP hands over at once. */
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

/** Limits the rate of what leaves by `device`. */
export function rateCommands(device: string, link: Link): string[][] {
  return [['qdisc', 'add', 'dev', device, 'root', ...rateArguments(link)]];
}

/** Rate, delay and loss: for only one end of each direction, so that delay and loss are applied once. */
export function linkCommands(device: string, link: Link): string[][] {
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
