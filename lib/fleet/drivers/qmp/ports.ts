// Ports of a host on which nobody listens yet: the kernel lists those that are taken, in the host's network.
import { existsSync, readFileSync } from 'node:fs';
import type { QmpHost } from '../../../site/site.js';
import { CommandError, run } from '../../../system/processes.js';

const listening = '0A';
const files = ['tcp', 'tcp6'].map((name) => `/proc/net/${name}`).filter((path) => existsSync(path));

/** The ports on which somebody listens, from what the kernel lists. */
export function takenPorts(lists: string): ReadonlySet<number> {
  const ports = new Set<number>();
  for (const line of lists.split('\n')) {
    const [, port, state] =
      /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F:]+ ([0-9A-F]{2}) /.exec(line) ?? [];
    if (port !== undefined && state === listening) ports.add(Number.parseInt(port, 16));
  }
  return ports;
}

async function listsOf({ networkNamespace }: QmpHost): Promise<string> {
  if (networkNamespace === undefined) {
    return files.map((path) => readFileSync(path, 'utf8')).join('\n');
  }
  try {
    const where = [`--net=/run/netns/${networkNamespace}`, '--'];
    return (await run('nsenter', [...where, 'cat', ...files])).stdout;
  } catch (error) {
    // Whoever starts a QEMU there is told why that can't be done.
    if (error instanceof CommandError) return '';
    throw error;
  }
}

/**
 * The first free port for arrivals at a host, beginning with that number of its range, and going round. If none is, the
 * one that it begins with, of which QEMU then says why it can't be had.
 */
export async function portFor(host: QmpHost, begin: number): Promise<number> {
  const [first, last] = host.arrivals.ports;
  const count = last - first + 1;
  const taken = takenPorts(await listsOf(host));
  const ports = Array.from({ length: count }, (_, at) => first + ((begin + at) % count));
  return ports.find((port) => !taken.has(port)) ?? ports[0] ?? first;
}
