// sysbench, a program of a Debian package whose output has to be read.
import { z } from 'zod';
import { positive } from './options.js';
import { type OutputReader, workload } from './workload.js';

const line = /^\[ (\d+)s \] thds: \d+ eps: ([\d.]+) lat \(ms,99%\): ([\d.]+)/;

/** Reads lines such as "[ 3s ] thds: 1 eps: 1083.43 lat (ms,99%): 0.94", one a second. */
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

/** The script does not count 2. */
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

/** Searches primes. */
export const sysbench = workload({
  name: 'sysbench',
  summary: 'sysbench searches primes and has to find all of them: much computing, few writes',
  operation: 'searches',
  programs: [],
  packaged: { packages: ['sysbench'], programs: ['usr/bin/sysbench'] },
  scripts: ['primes.lua'],
  needsNetwork: false,
  reports: 'guest',
  sender: 'guest',
  checks: { guest: false, outside: false },
  livesBy: 'searches that found all primes',
  newReader,
  options: z.strictObject({
    /** By default, one for each processor of the guest. */
    threads: positive.max(64).optional(),
    /** Each search looks for all primes below it. */
    maxPrime: positive.min(4).max(10_000_000).default(10_000),
  }),
  commands: ({ threads, maxPrime }, { processors }) => ({
    inGuest: [
      '/usr/bin/sysbench',
      '/share/primes.lua',
      `--threads=${threads ?? processors}`,
      `--max-prime=${maxPrime}`,
      `--primes=${oddPrimesBelow(maxPrime)}`,
      // Without an end.
      '--time=0',
      '--events=0',
      '--report-interval=1',
      '--percentile=99',
      'run',
    ],
  }),
});
