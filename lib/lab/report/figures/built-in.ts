// All built-in figures, in the order of the report. To add one, add a file beside this one, and a line here.
import type { FigureMaker } from '../figure.js';
import { byMethod } from './by-method.js';
import { fakeDirty } from './fake-dirty.js';
import { filterTime } from './filter-time.js';
import { passes } from './passes.js';
import { throughput } from './throughput.js';

/** All built-in figures. */
export const figureMakers: readonly FigureMaker[] = [
  fakeDirty,
  byMethod,
  filterTime,
  throughput,
  passes,
];
