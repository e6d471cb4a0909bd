// All built-in workloads. To add one, add a file beside this one, and a line here.
import { bareWorkloads } from './bare.js';
import { disk } from './disk.js';
import { flipFlop } from './flip-flop.js';
import { idle } from './idle.js';
import { memcached } from './memcached.js';
import { networkReceive, networkSend } from './network.js';
import { quicksort } from './quicksort.js';
import { sameValues } from './same-values.js';
import { sysbench } from './sysbench.js';
import { workingSet } from './working-set.js';
import type { Workload } from './workload.js';
import { ycsbWorkloads } from './ycsb.js';

/** All built-in workloads. */
export const workloads: readonly Workload[] = [
  workingSet,
  quicksort,
  sysbench,
  memcached,
  ...ycsbWorkloads,
  networkSend,
  networkReceive,
  disk,
  idle,
  sameValues,
  flipFlop,
  ...bareWorkloads,
];
