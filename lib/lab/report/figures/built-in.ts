// All figures that are built in, in the order of the report. A new one is a file beside this one, and a line here.
import type { FigureMaker } from '../chart.js';
import { byMethod } from './by-method.js';
import { fakeDirty } from './fake-dirty.js';
import { filterTime } from './filter-time.js';
import { passes } from './passes.js';
import { throughput } from './throughput.js';

export const figureMakers: readonly FigureMaker[] = [
  fakeDirty,
  byMethod,
  filterTime,
  throughput,
  passes,
];
