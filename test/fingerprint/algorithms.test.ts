import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { algorithms, targets, version } from '../../lib/index.js';
import manifest from '../../package.json' with { type: 'json' };

const header = readFileSync(new URL('../../native/include/fakedirty.h', import.meta.url), 'utf8');

function macro(name: string): string | undefined {
  return new RegExp(`^#define ${name} (\\d+)$`, 'm').exec(header)?.[1];
}

describe('version', () => {
  it('is the one of package.json', () => {
    expect(version()).toBe(manifest.version);
  });

  it('is the one of the header', () => {
    const parts = ['MAJOR', 'MINOR', 'PATCH'].map((part) => macro(`FAKEDIRTY_VERSION_${part}`));
    expect(version()).toBe(parts.join('.'));
  });
});

describe('algorithms', () => {
  it.each([
    ['ph128', 16],
    ['xxh3-128', 16],
    ['xxh3-64', 8],
    ['xxh64', 8],
    ['xxh32', 4],
    ['sha256', 32],
    ['sha1', 20],
    ['md5', 16],
    ['murmur3-128', 16],
    ['murmur3-32', 4],
    ['crc32', 4],
  ])('%s has a digest of %i bytes', (name, digestBytes) => {
    expect(algorithms().find((algorithm) => algorithm.name === name)).toMatchObject({
      digestBytes,
    });
  });

  it('are eleven', () => {
    expect(algorithms()).toHaveLength(11);
  });

  it('start with the default, the only one with a key and a proven bound', () => {
    expect(algorithms()[0]).toEqual({
      name: 'ph128',
      digestBytes: 16,
      seedBits: 0,
      keyed: true,
      collisionBits: 125,
      production: true,
      target: targets()[0],
      lanes: 1,
    });
    for (const algorithm of algorithms().slice(1)) {
      expect(algorithm).toMatchObject({ keyed: false, collisionBits: null });
    }
  });

  it('of 32 bits are not for production', () => {
    for (const algorithm of algorithms().filter(({ digestBytes }) => digestBytes === 4)) {
      expect(algorithm).toMatchObject({ production: false });
    }
  });

  it('are copies: changing one changes nothing', () => {
    algorithms().pop();
    expect(algorithms()).toHaveLength(11);
  });
});

describe('targets', () => {
  it('are named, and end with the code that runs everywhere', () => {
    expect(targets().at(-1)).toBe('portable');
    expect(new Set(targets()).size).toBe(targets().length);
  });
});
