// The C files of the series are made of layers: each includes only what lies below it, so that none can
// call back.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { qemuVersions } from '../../../lib/qemu/compile/versions.js';
import { packageRoot } from '../../../lib/system/package-root.js';

/** What each module may include of the others. */
const below: Record<string, readonly string[]> = {
  'fake-dirty-broken': [],
  'fake-dirty-stats': [],
  'fake-dirty-end': [],
  'fake-dirty-sample': [],
  'fake-dirty-pace': ['fake-dirty-end', 'fake-dirty-stats'],
  'fake-dirty-table': ['fake-dirty-sample', 'fake-dirty-stats'],
  'fake-dirty-stage': ['fake-dirty-sample', 'fake-dirty-stats', 'fake-dirty-table'],
  'fake-dirty': [
    ...['fake-dirty-end', 'fake-dirty-pace', 'fake-dirty-sample'],
    ...['fake-dirty-stage', 'fake-dirty-stats', 'fake-dirty-table'],
  ],
  'fake-dirty-qapi': ['fake-dirty'],
  'multifd-fake-dirty': ['fake-dirty'],
  'ram-fake-dirty': ['fake-dirty', 'fake-dirty-qapi', 'fake-dirty-stage', 'multifd-fake-dirty'],
};

const folders = ['shared', ...qemuVersions].map((name) =>
  join(packageRoot, 'qemu-patches', name, 'migration'),
);
const files = folders.flatMap((folder) =>
  readdirSync(folder).map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') })),
);

/** A header, its source and its stub are one module, and so are the parts that a module is split into. */
function moduleOf(file: string): string {
  return file.replace(/(-account|-rescan|-stub)?\.[ch]$/, '');
}

describe.each(files)('$name', ({ name, text }) => {
  const module = moduleOf(name);

  it('includes only what is below it', () => {
    const included = [
      ...text.matchAll(/^#include "(?:migration\/)?((?:ram-|multifd-)?fake-dirty[a-z-]*)\.h"$/gm),
    ]
      .map(([, header = '']) => header)
      .filter((header) => header !== module && header !== 'fake-dirty-broken');
    expect(below[module], `${module} is missing from the list of modules`).toBeDefined();
    expect(included.filter((header) => !below[module]?.includes(header))).toEqual([]);
  });

  it('leaves it to the build whether the filter is there', () => {
    expect(text).not.toContain('CONFIG_FAKEDIRTY');
  });
});

it('code is compiled by itself, not included', () => {
  const headers = files.filter(({ name }) => name.endsWith('.h')).map(({ text }) => text);
  for (const text of headers) expect(text).not.toMatch(/^\{/m);
});
