import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { adviceFor, loadAddon } from '../../lib/fingerprint/native.js';
import * as fakedirty from '../../lib/index.js';

describe('the addon', () => {
  // Else the tests with a sanitizer's addon could pass with the plain one.
  it('is the one that FAKEDIRTY_PREBUILD names, and otherwise that of this checkout', () => {
    fakedirty.version();
    const maps = readFileSync('/proc/self/maps', 'utf8');
    const loaded = new Set(maps.match(/\/\S*fakedirty\S*\.node$/gm));
    const checkout = fileURLToPath(new URL('../..', import.meta.url));
    const { FAKEDIRTY_PREBUILD = checkout } = process.env;
    const meant = join(realpathSync(FAKEDIRTY_PREBUILD), 'build/Release/fakedirty.node');
    expect([...loaded]).toEqual([meant]);
  });

  it('that is not there is an error: for which platform, what was tried, what to do', () => {
    const load = () => loadAddon('/nowhere');
    expect(load).toThrow(fakedirty.NativeAddonError);
    expect(fakedirty.NativeAddonError.prototype).toBeInstanceOf(fakedirty.FakedirtyError);
    expect(load).toThrow(`${process.platform}-${process.arch}`);
    expect(load).toThrow(/Tried: build\/Release and prebuilds in \/nowhere: /);
    expect(load).toThrow(
      /apt-get install[\s\S]* cd \/nowhere && npx node-gyp rebuild --directory native/,
    );
  });

  it.each([
    [
      'linux',
      'x64',
      '2.31',
      /linux-x64 and linux-arm64 with glibc 2\.33 or newer; glibc 2\.31 is too old/,
    ],
    ['linux', 'x64', '2.9', /glibc 2\.9 is too old/],
    ['linux', 'arm64', '2.33', /; this machine is one of them/],
    [
      'linux',
      'arm64',
      undefined,
      /; there is none for musl .*\n.*\n.*\n +Alpine: apk add g\+\+ make/,
    ],
    [
      'linux',
      'riscv64',
      '2.40',
      /; there is none for riscv64\.\n[\s\S]*cd \/here && npx node-gyp rebuild --directory native$/,
    ],
    ['darwin', 'arm64', undefined, /^Fingerprints need Linux\. .* fakedirty\/migration/],
  ])(
    'that is missing on %s-%s with glibc %s is said to be, with what to do',
    (platform, arch, glibc, said) => {
      expect(adviceFor({ platform, arch, glibc }, '/here').join('\n')).toMatch(said);
    },
  );
});
