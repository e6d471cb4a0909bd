// Plans which settings each QEMU needs for the given options, or says why they are not possible.

import { didYouMean } from '../errors/nearest.js';
import { option, sentence, type Words } from '../errors/wording.js';
import { mebibyte } from '../format/bytes.js';
import { safeHashes } from '../qmp/schema/fake-dirty.js';
import type { CheckedOptions } from './options.js';
import type { QemuSetup } from './qemu-setup.js';

export interface Settings {
  readonly capabilities: Readonly<Record<string, boolean>>;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** What to set on both sides. With problems, nothing may be set. */
export interface SettingsPlan {
  readonly source: Settings;
  readonly destination: Settings;
  /** The filter was asked for, is not there, and is left out as the caller agreed. */
  readonly filterLeftOut: boolean;
  readonly problems: readonly Words[];
}

export const filterCapability = 'fake-dirty-filter';
const maxZlib = 9;
const hashesOf32Bits: readonly string[] = ['xxh32', 'murmur3-32', 'crc32'];
/** With each of these, pages can be sent that the filter has not looked at. */
const incompatibleWithFilter = ['zero-copy-send', 'x-colo', 'background-snapshot', 'rdma-pin-all'];
const busy = ['setup', 'active', 'postcopy-active', 'pre-switchover', 'device', 'cancelling'];

function withoutUndefined(parameters: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== undefined));
}

/** What both sides must set alike. */
function sharedSettings({ method, xbzrle, multifd, capabilities }: CheckedOptions): Settings {
  const { compression, level } = multifd ?? {};
  return {
    capabilities: {
      events: true,
      ...(method === 'pre-copy' ? {} : { 'postcopy-ram': true }),
      ...(xbzrle ? { xbzrle: true } : {}),
      ...(multifd ? { multifd: true } : {}),
      ...capabilities,
    },
    parameters: withoutUndefined({
      'multifd-channels': multifd?.channels,
      'multifd-compression': compression,
      ...(compression === 'zlib' ? { 'multifd-zlib-level': level } : {}),
      ...(compression === 'zstd' ? { 'multifd-zstd-level': level } : {}),
    }),
  };
}

/** With a return path, the destination tells the source whether it has the guest; without, nobody does. */
function hasReturnPath({ to }: CheckedOptions): boolean {
  return /^(tcp|unix):/.test(typeof to === 'string' ? to : to.listen);
}

function sourceSettings(options: CheckedOptions, withFilter: boolean): Settings {
  const { filter, xbzrle, autoConverge } = options;
  const both = sharedSettings(options);
  return {
    capabilities: {
      ...(hasReturnPath(options) ? { 'return-path': true } : {}),
      ...both.capabilities,
      ...(autoConverge ? { 'auto-converge': true } : {}),
      ...(withFilter ? { [filterCapability]: true } : {}),
    },
    parameters: {
      ...both.parameters,
      ...withoutUndefined({
        'xbzrle-cache-size': xbzrle?.cacheBytes,
        'cpu-throttle-initial': autoConverge?.initialPercent,
        'cpu-throttle-increment': autoConverge?.incrementPercent,
        'max-cpu-throttle': autoConverge?.maxPercent,
        'max-bandwidth': options.bandwidthBytesPerSecond,
        'max-postcopy-bandwidth': options.postcopyBandwidthBytesPerSecond,
        'downtime-limit': options.downtimeLimitMs,
        ...(withFilter
          ? {
              'fake-dirty-hash': filter?.hash,
              'fake-dirty-unsafe-hash': filter?.acceptUnsafeHash,
              'fake-dirty-verify': filter?.verify,
              'fake-dirty-max-memory': filter?.maxMemoryBytes,
              'fake-dirty-max-cpu': filter?.maxCpuPercent,
              'fake-dirty-sampling': filter?.sampling,
            }
          : {}),
      }),
      ...options.parameters,
    },
  };
}

function missing(side: string, setup: QemuSetup, { capabilities, parameters }: Settings): string[] {
  const here = `the QEMU ${setup.version} of the ${side}`;
  const problems: string[] = [];
  for (const name of Object.keys(capabilities)) {
    if (setup.capabilities.has(name)) continue;
    const hint = didYouMean(name, [...setup.capabilities.keys()]);
    problems.push(
      `"${name}" is not a capability of ${here}; leave it out or use another QEMU.${hint}`,
    );
  }
  for (const [name, value] of Object.entries(parameters)) {
    const names = setup.settable.get(name);
    if (!setup.settable.has(name)) {
      const hint = didYouMean(name, [...setup.settable.keys()]);
      problems.push(
        `"${name}" is not a parameter of ${here}; leave it out or use another QEMU.${hint}`,
      );
    } else if (names && !names.includes(String(value))) {
      const hint = didYouMean(String(value), names);
      problems.push(`"${name}" is "${value}"; ${here} takes ${names.join(', ')}.${hint}`);
    }
  }
  return problems;
}

/** Options that nothing would come of: whoever gives one expects something. */
function withoutEffect({ method, policy, autoConverge, multifd }: CheckedOptions): Words[] {
  const problems: Words[] = [];
  const atOnce = option('method', 'post-copy');
  if (method === 'post-copy' && policy) {
    problems.push(
      sentence`${option('policy')} has no effect with ${atOnce}, which leaves nothing to decide; take ${option('method', 'hybrid')}, or leave it out.`,
    );
  }
  if (method === 'post-copy' && autoConverge) {
    problems.push(
      sentence`${option('autoConverge')} has no effect with ${atOnce}, in which no pass has to converge; leave it out.`,
    );
  }
  if (multifd?.compression === 'none' && multifd.level !== undefined) {
    problems.push(
      sentence`${option('multifd.level')} has no effect without compression; add ${option('multifd.compression', 'zstd')} or zlib, or leave it out.`,
    );
  }
  return problems;
}

function conflicts(options: CheckedOptions, on: (capability: string) => boolean): Words[] {
  const { method, filter, xbzrle, multifd, to } = options;
  const problems: Words[] = withoutEffect(options);
  const postcopy = method !== 'pre-copy' || on('postcopy-ram');
  if (postcopy && on('multifd')) {
    problems.push('Post-copy and multifd do not go together in this QEMU; choose one of them.');
  }
  if (postcopy && on('compress')) {
    problems.push('Post-copy and compress do not go together in this QEMU; choose one of them.');
  }
  if (xbzrle && multifd) {
    const both = sentence`${option('xbzrle')} or ${option('multifd')}`;
    problems.push(sentence`XBZRLE does nothing under multifd in this QEMU; choose ${both}.`);
  }
  if (multifd?.compression === 'zlib' && multifd.level !== undefined && multifd.level > maxZlib) {
    problems.push(
      sentence`${option('multifd.level')}: is ${multifd.level}; zlib has levels from 0 to ${maxZlib}.`,
    );
  }
  if (!filter) return problems;
  if (!safeHashes.includes(filter.hash) && !filter.acceptUnsafeHash) {
    const risk = hashesOf32Bits.includes(filter.hash)
      ? 'with 32 bits, chance alone takes a changed page for unchanged sooner or later'
      : 'a process in the guest can make two pages that it takes for each other, and have the destination keep the wrong one';
    problems.push(
      sentence`"${filter.hash}" is unsafe: ${risk}; take ${option('filter.hash', 'ph128')}, or add ${option('filter.acceptUnsafeHash', true)} for an experiment.`,
    );
  }
  for (const name of incompatibleWithFilter.filter(on)) {
    const off = option(`capabilities.${name}`, false);
    problems.push(
      sentence`The filter and "${name}" do not go together; use ${off}, or no ${option('filter')}.`,
    );
  }
  if (typeof to === 'string' && to.startsWith('rdma:')) {
    problems.push(
      sentence`The filter does not work over RDMA; use another transport in ${option('to')}, or no ${option('filter')}.`,
    );
  }
  return problems;
}

function stateProblems(source: QemuSetup, destination: QemuSetup | undefined): string[] {
  const problems: string[] = [];
  const { status = 'none', 'blocked-reasons': blocked = [] } = source.migration;
  if (busy.includes(status)) {
    problems.push(`A migration of this VM is ${status} already; wait for its end or cancel it.`);
  }
  if (['inmigrate', 'postmigrate'].includes(source.status.status)) {
    problems.push(`The source is in state "${source.status.status}": the guest is not there.`);
  }
  for (const reason of blocked) problems.push(`The source can't be migrated now: ${reason}`);
  if (destination && destination.status.status !== 'inmigrate') {
    problems.push(
      `The destination is in state "${destination.status.status}"; start it with -incoming defer.`,
    );
  }
  return problems;
}

/** What keeps a destination from loading the guest, and what QEMU would say only when all memory has been sent. */
function differences(source: QemuSetup, destination: QemuSetup): string[] {
  const problems: string[] = [];
  const [here, there] = [source, destination].map(({ ramBytes }) => mebibytesText(ramBytes));
  if (here !== there) {
    problems.push(
      `The source has ${here} of memory, and the destination ${there}; start it with as much.`,
    );
  }
  const [ours, theirs] = [source.machine, destination.machine];
  if (ours !== undefined && theirs !== undefined && ours !== theirs) {
    problems.push(
      `The source is a machine of type "${ours}", and the destination of "${theirs}"; start it with -machine ${ours}.`,
    );
  }
  return problems;
}

/** Exact: what differs must look different. */
function mebibytesText(bytes: number): string {
  return Number.isInteger(bytes / mebibyte) ? `${bytes / mebibyte} MiB` : `${bytes} bytes`;
}

/** What to set for these options, or what is wrong with them. */
export function planSettings(
  options: CheckedOptions,
  source: QemuSetup,
  destination: QemuSetup | undefined,
): SettingsPlan {
  const { filter } = options;
  const available = source.capabilities.has(filterCapability);
  const filterLeftOut = filter?.ifMissing === 'leave-out' && !available;
  const ours = sourceSettings(options, filter !== undefined && !filterLeftOut);
  const theirs = sharedSettings(options);
  const on = (name: string) => ours.capabilities[name] ?? source.capabilities.get(name) ?? false;
  const effective = filterLeftOut ? { ...options, filter: undefined } : options;
  const problems = [
    ...stateProblems(source, destination),
    ...(destination ? differences(source, destination) : []),
    ...(filter && !available && !filterLeftOut
      ? [
          sentence`The QEMU ${source.version} of the source has no fake dirty filter; take one that "fakedirty qemu build" builds, or add ${option('filter.ifMissing', 'leave-out')}.`,
        ]
      : [
          ...missing('source', source, ours),
          ...(destination ? missing('destination', destination, theirs) : []),
        ]),
    ...conflicts(effective, on),
  ];
  return { source: ours, destination: theirs, filterLeftOut, problems };
}
