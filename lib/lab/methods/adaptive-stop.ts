// Jain's system: pre-copy that stops when too much is sent again, with SHA-256 as the fingerprint.
import { adaptiveStop as policy } from '../../policy/adaptive-stop.js';
import type { Method } from './method.js';

export const adaptiveStop: Method = {
  name: 'adaptive-stop',
  summary: 'pre-copy, stopped and copied once 75 % of the first pass has been sent again',
  needsFilter: false,
  postcopy: false,
  policy: () => policy(),
  options: () => ({}),
};

export const adaptiveStopSha256: Method = {
  ...adaptiveStop,
  name: 'adaptive-stop-sha256',
  summary: `${adaptiveStop.summary}; with the filter, its fingerprints made by sha256`,
  needsFilter: true,
  options: () => ({ filter: { hash: 'sha256' } }),
};
