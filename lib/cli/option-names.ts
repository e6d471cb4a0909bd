// How this terminal calls the options of the API: errors that name one name its flag.
import type { Naming } from '../errors/wording.js';

/** The path of an option in the API -> the flag that sets it. */
export const flags: Readonly<Record<string, string>> = {
  // migrate
  to: '--to',
  'to.qmp': '--to-qmp',
  'to.listen': '--listen',
  method: '--method',
  filter: '--hash',
  'filter.hash': '--hash',
  'filter.acceptUnsafeHash': '--accept-unsafe-hash',
  'filter.verify': '--verify',
  'filter.maxMemoryBytes': '--filter-max-memory',
  'filter.maxCpuPercent': '--filter-max-cpu',
  'filter.sampling': '--no-sampling',
  'filter.ifMissing': '--without-filter',
  xbzrle: '--xbzrle',
  'xbzrle.cacheBytes': '--xbzrle',
  multifd: '--multifd',
  'multifd.channels': '--multifd',
  'multifd.compression': '--multifd-compression',
  'multifd.level': '--multifd-level',
  autoConverge: '--auto-converge',
  bandwidthBytesPerSecond: '--bandwidth',
  postcopyBandwidthBytesPerSecond: '--postcopy-bandwidth',
  downtimeLimitMs: '--downtime',
  capabilities: '--capability',
  parameters: '--parameter',
  policy: '--policy',
  onPolicyFailure: '--on-policy-failure',
  journal: '--journal',
  record: '--record',
  // estimate
  seconds: '--seconds',
  linkBytesPerSecond: '--link',
  // lab run
  directory: '--out',
  qemu: '--qemu',
  version: '--version',
  sink: '--sink',
  report: '--no-report',
  // qemu build
  prefix: '--prefix',
};

/** Options of the API that no flag sets: what a command says of them, it says of itself. */
export const withoutFlag: readonly string[] = [
  'to.connect',
  'autoConverge.initialPercent',
  'autoConverge.incrementPercent',
  'autoConverge.maxPercent',
  'holdAtDestination',
  'destinationIsHeld',
  'signal',
  'journal.write',
  'journal.policy',
  'onPass',
  'onProgress',
];

/** A switch is on when it is there; every other flag is followed by its value. */
export const flagNames: Naming = ({ path, value }) => {
  const [parent = '', ...rest] = path.split('.');
  if (parent === 'capabilities' || parent === 'parameters') {
    const setting = rest.length > 0 ? ` ${rest.join('.')}` : '';
    const text = typeof value === 'boolean' ? (value ? 'on' : 'off') : value;
    return `${flags[parent]}${setting}${text === undefined ? '' : `=${text}`}`;
  }
  const flag = Object.hasOwn(flags, path) ? flags[path] : undefined;
  if (flag === undefined) return path;
  return value === undefined || typeof value === 'boolean' ? flag : `${flag} ${value}`;
};
