// `fakedirty replay` as users see it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exitCodes } from '../../lib/cli/exit-codes.js';
import { entryLine } from '../../lib/migration/recording.js';
import { busy, preCopy, recordingOf } from '../policy/simulation.js';
import { fakedirty } from './fakedirty.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'fakedirty-test-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe('fakedirty replay', () => {
  function record(): string {
    const { passes } = preCopy(busy, { count: 12 });
    const path = join(directory, 'recording.jsonl');
    writeFileSync(path, recordingOf(busy, passes).entries.map(entryLine).join(''));
    return path;
  }

  it('shows every pass, and what the policy would have decided', () => {
    const { status, output } = fakedirty('replay', record(), '--policy', 'adaptive-stop:limit=75');
    expect(status).toBe(exitCodes.ok);
    expect(output).toMatch(/never, like this/);
    expect(output).toMatch(/stop-now: .* of the first pass's 1\.08 GB/);
    expect(output.match(/^ +\d+ +[\d.]+ m?s /gm)).toHaveLength(12);
  });

  it('says that a recording lacks its end', () => {
    const { output } = fakedirty('replay', record());
    expect(output).toMatch(/recording ends before the migration does/);
  });

  it('gives programs the decisions and the predictions', () => {
    const { stdout } = fakedirty('replay', record(), '--json', '--policy', 'give-up:passes=3');
    const { decisions, predictions } = JSON.parse(stdout);
    expect(decisions.at(-1)).toMatchObject({ endedPasses: 3, decision: { choice: 'give-up' } });
    expect(predictions).toHaveLength(12);
  });

  it('says what is wrong with a file, and where', () => {
    const path = join(directory, 'odd');
    writeFileSync(path, '{"type": "odd"}\n');
    const { status, output } = fakedirty('replay', path);
    expect(status).toBe(exitCodes.failure);
    expect(output).toMatch(/Line 1 of the recording: is no entry of a recording \(type: /);
    expect(output).not.toContain('✖');
  });
});
