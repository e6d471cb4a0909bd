// fakedirty/lab: what workloads and methods of one's own are made with. docs/guides/lab.md shows how.
export { z } from 'zod';
export type { Additions } from './catalogue/catalogue.js';
export type { Report } from './guest/linux-control.js';
export { type Method, withFilter } from './methods/method.js';
export { type Room, share, size, sizeBytes } from './workloads/options.js';
export {
  allInGuest,
  assignments,
  type Commands,
  type OutputReader,
  type PackagedPrograms,
  partOf,
  type Surroundings,
  type Workload,
  workload,
} from './workloads/workload.js';
