// A name that is nearly right is answered with the one that was probably meant, wherever names are accepted.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { nearestOf } from '../../lib/errors/nearest.js';
import { parseExperiment } from '../../lib/lab/catalogue/experiment-file.js';
import { runExperiment } from '../../lib/lab/index.js';
import { type MigrateOptions, parseMigrateOptions } from '../../lib/migration/options.js';
import { planSettings } from '../../lib/migration/plan-settings.js';
import type { QemuSetup } from '../../lib/migration/qemu-setup.js';
import { type BuiltQemu, programOf } from '../../lib/qemu/compile/built.js';

const folder = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('the nearest name', () => {
  it.each([
    ['sha-256', 'sha256'],
    ['SHA_256', 'sha256'],
    ['xxh3', 'xxh3-128'],
    ['bandwith', 'bandwidth'],
    ['wiat', 'wait'],
  ])('of %s is %s', (given, meant) => {
    expect(nearestOf(given, ['sha256', 'xxh3-128', 'bandwidth', 'wait'])).toBe(meant);
  });

  it.each(['', 'luck', 'x'])('of %j is none', (given) => {
    expect(nearestOf(given, ['sha256', 'bandwidth', 'wait'])).toBeUndefined();
  });
});

describe('options of a migration', () => {
  it.each<[unknown, string]>([
    [{ filter: { hash: 'sha-256' } }, 'sha256'],
    [{ filter: { acceptUnsafeHashes: true } }, 'acceptUnsafeHash'],
    [{ bandwithBytesPerSecond: 1 }, 'bandwidthBytesPerSecond'],
    [{ method: 'precopy' }, 'pre-copy'],
    [{ multifd: { compression: 'zst' } }, 'zstd'],
  ])('%j', (options, meant) => {
    const all = { to: 'tcp:b:1', ...(options as object) } as MigrateOptions;
    expect(() => parseMigrateOptions(all)).toThrow(`Did you mean '${meant}'?`);
  });

  it('tell the names of capabilities and parameters of this QEMU', () => {
    const setup: QemuSetup = {
      version: '7.2.0',
      status: { running: true, status: 'running' },
      migration: {},
      capabilities: new Map(['events', 'xbzrle', 'return-path'].map((name) => [name, false])),
      parameters: {},
      settable: new Map<string, readonly string[] | undefined>([
        ['max-bandwidth', undefined],
        ['multifd-compression', ['none', 'zlib']],
      ]),
      ramBytes: 1 << 30,
      machine: undefined,
    };
    const options = {
      to: 'tcp:b:1',
      capabilities: { 'xbz-rle': true },
      parameters: { 'max-bandwith': 1, 'multifd-compression': 'zlip' },
    };
    const { problems } = planSettings(parseMigrateOptions(options), setup, undefined);
    expect(problems.map((text) => /Did you mean '(.*)'\?/.exec(String(text))?.[1])).toEqual([
      'xbzrle',
      'max-bandwidth',
      'zlib',
    ]);
  });
});

describe('an experiment file', () => {
  const file = { name: 'a', workloads: ['idle'], memoryMiB: [256], methods: ['plain'] };
  it.each<[string, object, string]>([
    ['workload', { workloads: ['quick-sort'] }, 'quicksort'],
    ['method', { methods: ['xbzlre'] }, 'xbzrle'],
    ['entry', { round: 3 }, 'rounds'],
    ['entry of a link', { links: [{ delayMS: 3 }] }, 'delayMs'],
    ['entry of a workload', { workloads: [{ name: 'idle', option: {} }] }, 'options'],
    [
      'option of a workload',
      { workloads: [{ name: 'same-values', options: { shar: 0.5 } }] },
      'share',
    ],
  ])('with a misspelt %s', (_, change, meant) => {
    const text = JSON.stringify({ ...file, ...change });
    expect(() => parseExperiment(text, 'a.yaml')).toThrow(`Did you mean '${meant}'?`);
  });

  it('that is not there, beside one with a similar name', async () => {
    writeFileSync(join(folder, 'first-trial.yaml'), '');
    const near = { experiment: join(folder, 'frist-trial.yaml'), report: false };
    await expect(runExperiment(near)).rejects.toThrow(`Did you mean '${folder}/first-trial.yaml'?`);
    const far = { experiment: 'quick.yml', report: false };
    await expect(runExperiment(far)).rejects.toThrow(
      /Did you mean '.*\/experiments\/quick\.yaml'\?/,
    );
  });
});

it('a target that a QEMU was not built for', () => {
  const built = { directory: '/q', programs: { 'x86_64-softmmu': 'bin/q' } };
  const find = () => programOf(built as unknown as BuiltQemu, 'x86-64-softmmu');
  expect(find).toThrow("Did you mean 'x86_64-softmmu'?");
});
