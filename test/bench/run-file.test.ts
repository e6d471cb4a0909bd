import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readRun, runAsJson, runFromJson } from '../../bench/results/run-file.js';
import { OptionError } from '../../lib/index.js';
import { ensureWritable, writeAtomically } from '../../lib/system/atomic-write.js';
import { run } from './runs.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fakedirty-bench-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a run as JSON', () => {
  it('is the same run when it is read again, with every field', () => {
    const goals = [{ name: 'a', kind: 'ratio' as const, bound: null, found: [0.9, 1.1] }];
    const before = run({ goals });
    expect(runFromJson(runAsJson(before))).toEqual(before);
  });

  it('is not written when it could not be read', () => {
    const [first] = run().rows;
    if (!first) throw new Error('a row');
    expect(() => runAsJson(run({ rows: [{ ...first, nsPerPage: [] }] }))).toThrow();
    expect(() => runAsJson(run({ rows: [{ ...first, nsPerPage: [Number.NaN] }] }))).toThrow();
  });

  it.each([
    ['{"format":', /not JSON/],
    ['{}', /format/],
    ['[]', /expected object/],
    [JSON.stringify({ ...run(), extra: 1 }), /extra/],
    [JSON.stringify({ ...run(), format: 'other' }), /format/],
    [JSON.stringify({ ...run(), rows: [{ algorithm: 'rot13' }] }), /rows\.0/],
  ])('%.30s is refused, with the place that is wrong', (text, problem) => {
    const file = join(folder, 'bench.json');
    writeFileSync(file, text);
    expect(() => readRun(file)).toThrow(problem);
    expect(() => readRun(file)).toThrow(OptionError);
    expect(() => readRun(file)).toThrow(/--compare: .*bench\.json.*earlier `npm run bench`/);
  });

  it.each(['/dev/zero', '/dev'])('%s is refused: it is no file', (path) => {
    expect(() => readRun(path)).toThrow(OptionError);
    expect(() => readRun(path)).toThrow(
      `--compare: ${path} can't be read (it is not a regular file)`,
    );
  });

  it('that is not there is an error that names the file', () => {
    expect(() => readRun(join(folder, 'none.json'))).toThrow(
      /--compare: .*none\.json can't be read/,
    );
  });
});

describe('files', () => {
  it('are there whole, and nothing beside them', () => {
    ensureWritable(join(folder, 'new'), '--out');
    writeAtomically(
      join(folder, 'new'),
      new Map([
        ['a', 'one'],
        ['b', 'two'],
      ]),
    );
    expect(readdirSync(join(folder, 'new')).sort()).toEqual(['a', 'b']);
  });

  it('are not there at all when one of them fails', () => {
    const files = new Map([
      ['a', 'one'],
      ['missing/b', 'two'],
    ]);
    expect(() => writeAtomically(folder, files)).toThrow(/ENOENT/);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('in a folder that can not be are refused by name', () => {
    writeFileSync(join(folder, 'file'), '');
    expect(() => ensureWritable(join(folder, 'file', 'below'), '--out')).toThrow(
      /--out: .*below.*folder/,
    );
  });
});
