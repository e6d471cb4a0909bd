// The file of `--record`: what was there before stays, whatever happens.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { RecordingFile } from '../../lib/cli/recording-file.js';
import { OptionError } from '../../lib/errors/option-error.js';
import type { RecordingEntry } from '../../lib/migration/recording.js';

const entry: RecordingEntry = {
  type: 'event',
  name: 'STOP',
  data: {},
  timestamp: { seconds: 1, microseconds: 2 },
};

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
  path = join(directory, 'm.jsonl');
});
afterEach(() => rmSync(directory, { recursive: true }));

function record(entries: readonly RecordingEntry[], force = false): string | undefined {
  using file = new RecordingFile(path, { force });
  for (const each of entries) file.record(each);
  return file.problem;
}

it('replaces no file, unless it is told to', () => {
  writeFileSync(path, 'mine');
  expect(() => record([entry])).toThrow(OptionError);
  expect(() => record([entry])).toThrow(/exists; .*--force/);
  expect(readFileSync(path, 'utf8')).toBe('mine');
  expect(record([entry], true)).toBeUndefined();
  expect(readFileSync(path, 'utf8')).toContain('STOP');
});

it('leaves no file behind if nothing was recorded, but leaves what was there', () => {
  expect(record([])).toBeUndefined();
  expect(existsSync(path)).toBe(false);
  writeFileSync(path, '');
  record([], true);
  expect(existsSync(path)).toBe(true);
});

it('says why it ends early, and throws nothing', () => {
  path = '/dev/full';
  expect(record([entry, entry], true)).toMatch(/\/dev\/full ends early: ENOSPC/);
  expect(existsSync('/dev/full')).toBe(true);
});
