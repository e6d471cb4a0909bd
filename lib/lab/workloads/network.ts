// A stream of bytes into the guest or out of it, which shares the network card with the migration.
import { z } from 'zod';
import { assignments, type Workload, workload } from './workload.js';

const port = 5001;
const program = 'stream';

function network(name: string, summary: string, guest: 'send' | 'receive'): Workload {
  return workload({
    name,
    summary,
    operation: 'kibibytes',
    programs: [program],
    needsNetwork: true,
    // The receiver knows what has arrived.
    reports: guest === 'send' ? 'outside' : 'guest',
    sender: guest === 'send' ? 'guest' : 'outside',
    checks: { guest: true, outside: true },
    options: z.strictObject({
      /** 0: no limit. */
      bytesPerSecond: z.number().int().nonnegative().default(0),
    }),
    commands: ({ bytesPerSecond }, { address }) => {
      const rate = bytesPerSecond || undefined;
      const outside = guest === 'send' ? 'receive' : 'send';
      const side = (mode: 'send' | 'receive') =>
        assignments({ mode, port, bytes_per_second: mode === 'send' ? rate : undefined });
      return {
        inGuest: [`/bin/${program}`, `listen=${address}`, ...side(guest)],
        outside: { program, arguments: [`connect=${address}`, ...side(outside)] },
      };
    },
  });
}

/** The guest sends. */
export const networkSend = network(
  'network-send',
  'sends on one TCP connection to a program outside, as iperf does',
  'send',
);
/** The guest receives. */
export const networkReceive = network(
  'network-receive',
  'receives on one TCP connection from a program outside, as iperf does',
  'receive',
);
