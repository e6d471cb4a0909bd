// A recording is read as it was written; anything else is refused, with the line that is wrong.
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
  it('is read as it was written, with or without its end', () => {
    const text = [start, event].map(entryLine).join('');
    expect(parseRecording(text)).toEqual({ start, entries: [start, event] });
  });

  it('is read up to a last line that was cut anywhere', () => {
    const text = [start, event].map(entryLine).join('');
    for (let cut = entryLine(start).length; cut < text.length - 1; cut += 1) {
      expect(parseRecording(text.slice(0, cut)).entries).toEqual([start]);
    }
    expect(parseRecording(text.slice(0, -1)).entries).toEqual([start, event]);
  });

  it.each([
    ['', 1, /"start"/],
    [entryLine(event), 1, /"start"/],
    [`${entryLine(start)}{"type": "eve\n`, 2, /JSON/],
    [`${entryLine(start)}\n\n{"type": "odd"}\n`, 4, /type/],
    [entryLine(start).replace('"qemu":"7.2.22"', '"qemu":7'), 1, /qemu/],
  ])('refuses %j, and says in which line it is wrong', (text, line, problem) => {
    const parse = () => parseRecording(text);
    expect(parse).toThrow(RecordingError);
    expect(parse).toThrow(problem);
    expect(parse).toThrow(new RegExp(`^Line ${line} `));
  });

  it('of an older format is refused, with what to do', () => {
    const older = JSON.stringify({ type: 'start', format: 1, circumstances: {} });
    const parse = () => parseRecording(older);
    expect(parse).toThrow(RecordingError);
    expect(parse).toThrow(/^Line 1 .* format 1; .* format 2\. Record the migration again, or/);
  });

  it('refuses to write an entry that it could not read', () => {
    expect(() => entryLine({ ...start, startedAtMs: -1 } as RecordingEntry)).toThrow();
  });
});
