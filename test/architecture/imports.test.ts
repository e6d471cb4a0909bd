// The house is built as it was drawn: imports go one way, and lib stands by itself.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../lib/system/package-root.js';
import { directions } from './directions.js';
import { circles, importsIn, roomOf, type Sources, wrongDirections } from './import-graph.js';

function readSources(folder: string): Sources {
  const names = readdirSync(join(packageRoot, folder), { recursive: true }).map(String);
  const files = names.filter((name) => name.endsWith('.ts')).map((name) => join(folder, name));
  return new Map(files.map((file) => [file, readFileSync(join(packageRoot, file), 'utf8')]));
}

const lib = readSources('lib');

describe('the library', () => {
  it('imports in the directions of the drawing only, and nothing of scripts, bench and test', () => {
    expect(wrongDirections(lib)).toEqual([]);
  });

  it('has no circle anywhere, not even of types', () => {
    expect(circles(lib)).toEqual([]);
  });

  it('has all the rooms that are drawn, and each is used', () => {
    const rooms = new Set([...lib.keys()].flatMap((file) => roomOf(file) ?? []));
    expect([...rooms].sort()).toEqual(Object.keys(directions).sort());
    // The reader of imports sees them: every file but a few imports something.
    expect(importsIn(lib).length).toBeGreaterThan(lib.size);
  });
});

describe('the ground floor', () => {
  const filesWith = (pattern: RegExp) =>
    [...lib].filter(([, text]) => pattern.test(text)).map(([file]) => file);

  it('alone starts processes', () => {
    const starting = filesWith(/'node:child_process'|'nano-spawn'/);
    expect(starting.sort()).toEqual([
      ...['lib/system/companion.ts', 'lib/system/detached.ts', 'lib/system/processes.ts'],
    ]);
  });

  it('listens to signals in one place', () => {
    expect(filesWith(/\bprocess\s*\.(on|once|addListener|removeAllListeners)\(/)).toEqual([
      'lib/system/signals.ts',
    ]);
  });
});

describe('the drawing', () => {
  it('has no circle itself', () => {
    const rooms = new Map(
      Object.entries(directions).map(([room, others]) => [
        room,
        others.map((other) => `import '${other}';`).join(),
      ]),
    );
    expect(importsIn(rooms).length).toBeGreaterThan(10);
    expect(circles(rooms)).toEqual([]);
  });
});

describe('the check', () => {
  function wrongIn(files: Record<string, string>): string[] {
    return wrongDirections(new Map(Object.entries(files)));
  }

  it.each([
    ['against the direction', 'lib/qmp/a.ts', `import { b } from '../migration/b.js';`],
    ['of types alone', 'lib/qmp/a.ts', `import type { B } from '../migration/b.js';`],
    ['over several lines', 'lib/qmp/a.ts', `import {\n  b,\n  c,\n} from '../migration/b.js';`],
    ['when it is needed', 'lib/qmp/a.ts', `await import('../migration/b.js');`],
    ['that passes something on', 'lib/qmp/a.ts', `export { b } from '../migration/b.js';`],
    ['of system by what is pure', 'lib/policy/a.ts', `import { b } from '../system/b.js';`],
    ['of Node by what is pure', 'lib/policy/a.ts', `import { readFileSync } from 'node:fs';`],
    ['between those for everywhere', 'lib/format/a.ts', `import { b } from '../statistics/b.js';`],
    ['of anything by errors', 'lib/errors/a.ts', `import { b } from '../format/b.js';`],
    ['of the way in, from inside', 'lib/lab/a.ts', `import { b } from '../index.js';`],
    ['past the door', 'lib/cli/a.ts', `import { b } from '../lab/run/b.js';`],
    ['of scripts', 'lib/system/a.ts', `import { b } from '../../scripts/b.js';`],
    ['of bench', 'lib/lab/run/a.ts', `import { b } from '../../../bench/b.js';`],
    ['of test', 'lib/a.ts', `import { b } from '../test/harness/b.js';`],
    ['by a room that nobody has drawn', 'lib/cellar/a.ts', `import { b } from '../qmp/b.js';`],
  ])('finds an import %s', (_, file, text) => {
    expect(wrongIn({ [file]: text })).toHaveLength(1);
  });

  it('lets pass what is drawn, and what is not ours', () => {
    const lines = ['../migration/b.js', '../policy/b.js', '../format/b.js', './c/d.js', 'zod'];
    const text = lines.map((name) => `import { b } from '${name}';`).join('\n');
    expect(wrongIn({ 'lib/lab/a.ts': text })).toEqual([]);
    expect(wrongIn({ 'lib/cli/a.ts': `import { b } from '../lab/index.js';` })).toEqual([]);
  });

  it('finds a circle, however long, and within a room', () => {
    const files = {
      'lib/lab/a.ts': `import type { B } from './b/b.js';`,
      'lib/lab/b/b.ts': `import { c } from '../c.js';`,
      'lib/lab/c.ts': `import { a } from './a.js'; import { d } from './d.js';`,
      'lib/lab/d.ts': '',
    };
    expect(circles(new Map(Object.entries(files)))).toEqual([
      'lib/lab/a.ts → lib/lab/b/b.ts → lib/lab/c.ts → lib/lab/a.ts',
    ]);
  });
});
