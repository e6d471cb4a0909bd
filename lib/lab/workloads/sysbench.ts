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

/** Without 2, as the script counts them. */
function oddPrimesBelow(limit: number): number {
  const isComposite = new Uint8Array(limit);
  let found = 0;
  for (let odd = 3; odd < limit; odd += 2) {
    if (isComposite[odd]) continue;
    found += 1;
    for (let multiple = odd * odd; multiple < limit; multiple += odd) isComposite[multiple] = 1;
  }
  return found;
}

export const sysbench = workload({
  name: 'sysbench',
  summary: 'sysbench looks for primes, and has to find all: much computing, little writing',
  operation: 'searches',
  programs: [],
  packaged: { packages: ['sysbench'], programs: ['usr/bin/sysbench'] },
  scripts: ['primes.lua'],
  needsNetwork: false,
  reports: 'guest',
  sender: 'guest',
  checks: { guest: false, outside: false },
  livesBy: 'searches, each for all primes',
  newReader,
  options: z.strictObject({
    /** One for each processor of the guest when not given. */
    threads: positive.max(64).optional(),
    /** The primes of one search are smaller. */
    maxPrime: positive.min(4).max(10_000_000).default(10_000),
  }),
  commands: ({ threads, maxPrime }, { processors }) => ({
    inGuest: [
      '/usr/bin/sysbench',
      '/share/primes.lua',
      `--threads=${threads ?? processors}`,
      `--max-prime=${maxPrime}`,
      `--primes=${oddPrimesBelow(maxPrime)}`,
      // For ever.
      '--time=0',
      '--events=0',
      '--report-interval=1',
      '--percentile=99',
      'run',
    ],
  }),
});
