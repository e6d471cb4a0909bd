// What is set on which side, and what is refused before anything is.
import { describe, expect, it } from 'vitest';
import { type MigrateOptions, parseMigrateOptions } from '../../lib/migration/options.js';
import { planSettings } from '../../lib/migration/plan-settings.js';
import type { QemuSetup } from '../../lib/migration/qemu-setup.js';
import { fakeDirtyHashes } from '../../lib/qmp/schema/fake-dirty.js';

const capabilityNames = [
  'events',
  'xbzrle',
  'multifd',
  'postcopy-ram',
  'auto-converge',
  'return-path',
  'compress',
  'zero-copy-send',
];
const parameterNames = [
  'max-bandwidth',
  'downtime-limit',
  'xbzrle-cache-size',
  'multifd-channels',
  'multifd-zlib-level',
  'multifd-zstd-level',
  'cpu-throttle-initial',
  'fake-dirty-hash',
  'fake-dirty-unsafe-hash',
  'fake-dirty-verify',
  'fake-dirty-max-memory',
  'fake-dirty-max-cpu',
  'fake-dirty-sampling',
];

function setup({ on = [], filter = true, ...more }: FactsOptions = {}): QemuSetup {
  const names = filter ? [...capabilityNames, 'fake-dirty-filter'] : capabilityNames;
  return {
    version: '7.2.0',
    status: { running: true, status: 'running' },
    migration: {},
    capabilities: new Map(names.map((name) => [name, on.includes(name)])),
    parameters: { 'downtime-limit': 300 },
    settable: new Map<string, readonly string[] | undefined>([
      ...parameterNames.map((name) => [name, undefined] as const),
      ['multifd-compression', ['none', 'zlib']],
    ]),
    ramBytes: 1 << 30,
    machine: 'pc-i440fx-7.2',
    ...more,
  };
}
type FactsOptions = Partial<QemuSetup> & { on?: string[]; filter?: boolean };

const goOn = () => ({ choice: 'go-on', policy: 'test', reason: '', numbers: {} }) as const;

function planOf(options: Partial<MigrateOptions>, source = setup(), destination?: QemuSetup) {
  return planSettings(parseMigrateOptions({ to: 'tcp:b:1', ...options }), source, destination);
}

describe('a settings plan', () => {
  it('sets what was asked for on the side that needs it', () => {
    const { source, destination, problems } = planOf({
      filter: { hash: 'sha256' },
      multifd: { channels: 4, compression: 'zlib', level: 3 },
      autoConverge: { initialPercent: 30 },
      bandwidthBytesPerSecond: 5,
    });
    expect(problems).toEqual([]);
    expect(source).toEqual({
      capabilities: {
        events: true,
        'return-path': true,
        multifd: true,
        'auto-converge': true,
        'fake-dirty-filter': true,
      },
      parameters: {
        'multifd-channels': 4,
        'multifd-compression': 'zlib',
        'multifd-zlib-level': 3,
        'cpu-throttle-initial': 30,
        'max-bandwidth': 5,
        'fake-dirty-hash': 'sha256',
        'fake-dirty-unsafe-hash': false,
        'fake-dirty-verify': false,
      },
    });
    expect(destination).toEqual({
      capabilities: { events: true, multifd: true },
      parameters: { 'multifd-channels': 4, 'multifd-compression': 'zlib', 'multifd-zlib-level': 3 },
    });
  });

  it('limits the filter as asked, and leaves what QEMU is set to otherwise', () => {
    const { source, problems } = planOf({
      filter: { maxMemoryBytes: 64 << 20, maxCpuPercent: 150, sampling: false },
    });
    expect(problems).toEqual([]);
    expect(source.parameters).toEqual({
      'fake-dirty-hash': 'ph128',
      'fake-dirty-unsafe-hash': false,
      'fake-dirty-verify': false,
      'fake-dirty-max-memory': 64 << 20,
      'fake-dirty-max-cpu': 150,
      'fake-dirty-sampling': false,
    });
    const limits = ['fake-dirty-max-memory', 'fake-dirty-max-cpu', 'fake-dirty-sampling'];
    for (const name of limits) {
      expect(planOf({ filter: {} }).source.parameters).not.toHaveProperty(name);
    }
  });

  it('turns on no return path where the transport has none', () => {
    const { source } = planOf({ to: 'exec:cat >/dev/null' });
    expect(source.capabilities).toEqual({ events: true });
  });

  it('leaves a missing filter out if allowed', () => {
    const options = { filter: { ifMissing: 'leave-out' } } as const;
    const without = planOf(options, setup({ filter: false }));
    expect(without).toMatchObject({ filterLeftOut: true, problems: [] });
    expect(without.source.capabilities).not.toHaveProperty('fake-dirty-filter');
    expect(planOf(options)).toMatchObject({ filterLeftOut: false });
  });
});

describe('a settings plan refuses', () => {
  it.each<[string, Partial<MigrateOptions>, QemuSetup, RegExp]>([
    ['no filter', { filter: {} }, setup({ filter: false }), /no fake dirty filter/],
    ['32 bits', { filter: { hash: 'xxh32' } }, setup(), /"xxh32".*32 bits.*acceptUnsafeHash/],
    [
      'collisions',
      { filter: { hash: 'md5' } },
      setup(),
      /"md5".*process in the guest.*acceptUnsafeHash/,
    ],
    ['zero copy', { filter: {} }, setup({ on: ['zero-copy-send'] }), /"zero-copy-send"/],
    ['RDMA', { filter: {}, to: 'rdma:b:1' }, setup(), /RDMA/],
    ['post-copy with multifd', { method: 'hybrid', multifd: {} }, setup(), /Post-copy and multifd/],
    [
      'post-copy with a compress that is on',
      { method: 'post-copy' },
      setup({ on: ['compress'] }),
      /Post-copy and compress/,
    ],
    ['XBZRLE with multifd', { xbzrle: {}, multifd: {} }, setup(), /XBZRLE does nothing/],
    ['an unknown value', { multifd: { compression: 'zstd' } }, setup(), /takes none, zlib/],
    ['a level of nothing', { multifd: { level: 1 } }, setup(), /no effect without compression/],
    [
      'a policy of post-copy',
      { method: 'post-copy', policy: goOn },
      setup(),
      /policy has no effect/,
    ],
    [
      'auto-converge in post-copy',
      { method: 'post-copy', autoConverge: {} },
      setup(),
      /autoConverge has no effect/,
    ],
    ['a parameter', { parameters: { odd: 1 } }, setup(), /"odd" is not a parameter.*7\.2\.0/],
    ['a busy source', {}, setup({ migration: { status: 'active' } }), /active already/],
    [
      'an empty source',
      {},
      setup({ status: { running: false, status: 'inmigrate' } }),
      /not there/,
    ],
    ['a blocked one', {}, setup({ migration: { 'blocked-reasons': ['nested'] } }), /nested/],
  ])('%s', (_, options, source, problem) => {
    expect(planOf(options, source).problems.map(String)).toEqual([expect.stringMatching(problem)]);
  });

  it('a destination that runs, or that lacks a capability', () => {
    const waiting = { running: false, status: 'inmigrate' };
    const old = setup({ status: waiting, capabilities: new Map([['events', true]]) });
    const problems = [expect.stringMatching(/"xbzrle" is not a capability of .* destination/)];
    expect(planOf({ xbzrle: {} }, setup(), old).problems).toEqual(problems);
    expect(planOf({}, setup(), setup()).problems).toEqual([
      expect.stringMatching(/destination is in state "running".*-incoming defer/),
    ]);
  });

  it('a destination with other memory, or of another machine type', () => {
    const waiting = { status: { running: false, status: 'inmigrate' } };
    const other = setup({ ...waiting, ramBytes: 1 << 29, machine: 'pc-q35-7.2' });
    expect(planOf({}, setup(), other).problems).toEqual([
      'The source has 1024 MiB of memory, and the destination 512 MiB; start it with as much.',
      expect.stringMatching(/"pc-i440fx-7.2".*"pc-q35-7.2"; start it with -machine pc-i440fx-7.2/),
    ]);
    const silent = setup({ ...waiting, machine: undefined });
    expect(planOf({}, setup(), silent).problems).toEqual([]);
  });

  it('every hash but ph128 and sha256 that was not accepted', () => {
    const refused = fakeDirtyHashes.filter(
      (hash) => planOf({ filter: { hash } }).problems.length > 0,
    );
    expect(refused).toEqual(
      fakeDirtyHashes.filter((hash) => hash !== 'ph128' && hash !== 'sha256'),
    );
  });

  it('no hash that was accepted', () => {
    for (const hash of fakeDirtyHashes) {
      expect(planOf({ filter: { hash, acceptUnsafeHash: true } }).problems).toEqual([]);
    }
  });
});
