// The catalogue of what is built in.
import { methods } from '../methods/built-in.js';
import { workloads } from '../workloads/built-in.js';
import { Catalogue } from './catalogue.js';

/** All built-in workloads and methods. The built-in figures are those of the report. */
export const builtIn = new Catalogue({ workloads, methods });
