import { z } from 'zod';
import { positive } from './options.js';
import { type OutputReader, workload } from './workload.js';

const line = /^\[ (\d+)s \] thds: \d+ eps: ([\d.]+) lat \(ms,99%\): ([\d.]+)/;

/** Out of "[ 3s ] thds: 1 eps: 1083.43 lat (ms,99%): 0.94", one a second. */
function newReader(): OutputReader {
  let operations = 0;
  return (text) => {
    const [, seconds, perSecond, p99Ms] = line.exec(text) ?? [];
    if (!seconds) return undefined;
    operations += Math.round(Number(perSecond));
    const latency = { p50Us: null, p99Us: Number(p99Ms) * 1000, maxUs: null };
    return { atMs: Number(seconds) * 1000, operations, ...latency };
  };
}

export const sysbench = workload({
  name: 'sysbench',
  summary: 'sysbench looks for prime numbers: much computing, little writing',
  operation: 'searches',
  programs: [],
  packaged: { packages: ['sysbench'], programs: ['usr/bin/sysbench'] },
  needsNetwork: false,
  reports: 'guest',
  sender: 'guest',
  checks: { guest: false, outside: false },
  newReader,
  options: z.strictObject({
    /** One for each processor of the guest when not given. */
    threads: positive.max(64).optional(),
    /** The primes of one search are smaller. */
    maxPrime: positive.min(3).default(10_000),
  }),
  commands: ({ threads, maxPrime }, { processors }) => ({
    inGuest: [
      '/usr/bin/sysbench',
      'cpu',
      `--threads=${threads ?? processors}`,
      `--cpu-max-prime=${maxPrime}`,
      // For ever.
      '--time=0',
      '--events=0',
      '--report-interval=1',
      '--percentile=99',
      'run',
    ],
  }),
});
