import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadAddon } from '../../lib/fingerprint/native.js';
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
    expect(load).toThrow(/apt-get install[\s\S]* cd \/nowhere && npx node-gyp rebuild/);
  });
});
