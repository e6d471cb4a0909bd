// One line for what changes, rewritten on a terminal; and the words for times and sizes.
import { describe, expect, it } from 'vitest';
import { StatusLine } from '../../lib/format/status-line.js';
import { bytesText, percentText, timeText, waitText } from '../../lib/format/text.js';

function output(isTTY: boolean) {
  let text = '';
  return { isTTY, columns: 20, write: (more: string) => (text += more), text: () => text };
}

describe('a status line', () => {
  it('is rewritten on a terminal, no wider than that, and gives way to lines that stay', () => {
    const terminal = output(true);
    const status = new StatusLine(terminal);
    status.show('half of what there is to do');
    status.print('something happened');
    status.show('done');
    status.clear();
    const clear = '\r\x1b[2K';
    expect(terminal.text()).toBe(
      `${clear}half of what there ${clear}something happened\n${clear}done${clear}`,
    );
  });

  it('is written now and then elsewhere, in other words where there are', () => {
    const file = output(false);
    let nowMs = 0;
    const status = new StatusLine(file, { elsewhereEveryMs: 1000, nowMs: () => nowMs });
    for (const at of [500, 1000, 1500, 2000]) {
      nowMs = at;
      status.show(`at ${at} (details)`, `at ${at}`);
    }
    status.print('end');
    status.clear();
    expect(file.text()).toBe('at 1000\nat 2000\nend\n');
  });

  it('is not written at all elsewhere unless that is wanted', () => {
    const file = output(false);
    const status = new StatusLine(file);
    status.show('half');
    expect(status.isLive).toBe(false);
    expect(file.text()).toBe('');
  });
});

describe('the words for', () => {
  it('a share have one decimal', () => {
    expect(percentText(0.1234)).toBe('12.3 %');
  });

  it('a size are in powers of ten', () => {
    expect([999, 1.5e6, 2.345e9].map(bytesText)).toEqual(['1 kB', '1.5 MB', '2.35 GB']);
  });

  it('a time are milliseconds up to ten seconds', () => {
    expect([9_999, 12_345, Number.POSITIVE_INFINITY].map(timeText)).toEqual([
      '9999 ms',
      '12.3 s',
      'for ever',
    ]);
  });

  it('a wait are seconds and minutes, and never less than none', () => {
    expect([-5, 49_600, 125_000].map(waitText)).toEqual(['0 s', '50 s', '2 min 5 s']);
  });
});
