// What is written is what is read; what is no recording is said to be none, and where.
import { describe, expect, it } from 'vitest';
import {
  entryLine,
  parseRecording,
  type RecordingEntry,
  RecordingError,
} from '../../lib/migration/recording.js';

const start: RecordingEntry = {
  type: 'start',
  format: 2,
  qemu: '7.2.22',
  startedAtMs: 1,
  context: {
    ramBytes: 1 << 20,
    pageBytes: 4096,
    downtimeLimitMs: 300,
    bandwidthLimitBytesPerSecond: 0,
    postcopyPossible: false,
  },
  request: { method: 'pre-copy' },
};
const event: RecordingEntry = {
  type: 'event',
  name: 'MIGRATION_PASS',
  data: { pass: 2 },
  timestamp: { seconds: 1, microseconds: 2 },
};

describe('a recording', () => {
  it('is read as it was written, also without its end', () => {
    const text = [start, event].map(entryLine).join('');
    expect(parseRecording(text)).toEqual({ start, entries: [start, event] });
  });

  it.each([
    ['', 1, /"start"/],
    [entryLine(event), 1, /"start"/],
    [`${entryLine(start)}{"type": "eve`, 2, /JSON/],
    [`${entryLine(start)}\n\n{"type": "odd"}\n`, 4, /type/],
    [entryLine(start).replace('"qemu":"7.2.22"', '"qemu":7'), 1, /qemu/],
  ])('is not %j', (text, line, problem) => {
    const parse = () => parseRecording(text);
    expect(parse).toThrow(RecordingError);
    expect(parse).toThrow(problem);
    expect(parse).toThrow(new RegExp(`^Line ${line} `));
  });

  it('refuses to write what it could not read', () => {
    expect(() => entryLine({ ...start, startedAtMs: -1 } as RecordingEntry)).toThrow();
  });
});
