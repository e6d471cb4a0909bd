// A workload and a method of your own: fakedirty lab run EXPERIMENT.yaml --with custom-workload.mjs
import { workload, z } from 'fakedirty/lab';

// A program of a Debian package, which writes blocks of memory and prints once a second how much it has written.
const blockMemory = workload({
  name: 'block-memory',
  summary: 'sysbench writes blocks of memory, one after the other',
  operation: 'MiB written',
  programs: [],
  packaged: { packages: ['sysbench'], programs: ['usr/bin/sysbench'] },
  needsNetwork: false,
  reports: 'guest',
  sender: 'guest',
  checks: { guest: false, outside: false },
  livesBy: 'blocks written',
  newReader: () => {
    let operations = 0;
    return (line) => {
      const [, seconds, perSecond] = /^\[ (\d+)s \] ([\d.]+) MiB\/sec/.exec(line) ?? [];
      if (!seconds) return undefined;
      operations += Math.round(Number(perSecond));
      return { atMs: Number(seconds) * 1000, operations, p50Us: null, p99Us: null, maxUs: null };
    };
  },
  options: z.strictObject({ mebibytes: z.number().int().positive().default(32) }),
  commands: ({ mebibytes }) => ({
    inGuest: [
      '/usr/bin/sysbench',
      'memory',
      `--memory-block-size=${mebibytes}M`,
      '--memory-total-size=1000T',
      '--time=0',
      '--report-interval=1',
      'run',
    ],
  }),
});

// Options of migrate(), under a name.
const verified = {
  name: 'filter-md5-verified',
  summary: 'pre-copy with the filter, which uses md5 and compares every page before it skips it',
  needsFilter: true,
  postcopy: false,
  options: () => ({ filter: { hash: 'md5', acceptUnsafeHash: true, verify: true } }),
};

export const workloads = [blockMemory];
export const methods = [verified];
