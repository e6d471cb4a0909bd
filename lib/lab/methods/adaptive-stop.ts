// Jain's system: pre-copy that stops when too much has been sent again, with and without SHA-256 fingerprints.
import { adaptiveStop as policy } from '../../policy/adaptive-stop.js';
import type { Method } from './method.js';

/** Stops by its policy, without the filter. */
export const adaptiveStop: Method = {
  name: 'adaptive-stop',
  summary: 'pre-copy, stopped and copied once 75 % of the first pass has been sent again',
  needsFilter: false,
  postcopy: false,
  policy: () => policy(),
  options: () => ({}),
};

/** Stops by its policy, with the filter, which looks at every page as Jain's does. */
export const adaptiveStopSha256: Method = {
  ...adaptiveStop,
  name: 'adaptive-stop-sha256',
  summary: `${adaptiveStop.summary}; with the filter, which uses sha256`,
  needsFilter: true,
  options: () => ({ filter: { hash: 'sha256', sampling: false } }),
};
