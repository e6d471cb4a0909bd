// Lines that are rewritten in place: tried on a small model of a terminal.
import { expect, it } from 'vitest';
import { LiveBlock } from '../../lib/format/live-block.js';

/** What a terminal shows of what is written to it. */
class Terminal {
  readonly isTTY = true;
  readonly columns = 20;
  readonly rows = 6;
  lines: string[] = [''];
  all = '';

  write(text: string): void {
    this.all += text;
    const shown = text.replaceAll('\x1b', '␛').replaceAll('\r', '');
    for (const [, up, erase, plain] of shown.matchAll(/␛\[(\d+)A|(␛\[J)|([^␛]+)/g)) {
      if (up) this.lines = this.lines.slice(0, this.lines.length - Number(up));
      else if (erase) this.lines[this.lines.length - 1] = '';
      else {
        const [first = '', ...more] = (plain ?? '').split('\n');
        this.lines[this.lines.length - 1] += first;
        this.lines.push(...more);
      }
    }
  }
}

it('is rewritten below what stays', () => {
  const terminal = new Terminal();
  const block = new LiveBlock(terminal);
  block.show(['a: 1 %', 'b: waits']);
  block.show(['a: 2 %', 'b: waits']);
  block.print('a moved');
  block.show(['b: 1 %']);
  expect(terminal.lines).toEqual(['a moved', 'b: 1 %', '']);
  block.clear();
  expect(terminal.lines).toEqual(['a moved', '']);
});

it('shows no more than there is room for', () => {
  const terminal = new Terminal();
  const block = new LiveBlock(terminal);
  block.show(Array.from({ length: 9 }, (_, at) => `line ${at} ${'x'.repeat(40)}`));
  expect(terminal.lines).toHaveLength(5);
  expect(terminal.lines[0]).toBe(`line 5 ${'x'.repeat(12)}`);
});

it('writes lasting lines alone where nothing can be rewritten, and nothing once it is silent', () => {
  const written: string[] = [];
  const block = new LiveBlock({ write: (text) => written.push(text) });
  block.show(['a: 1 %']);
  block.print('a moved');
  block.clear();
  block.silence();
  block.print('b moved');
  expect(written.join('')).toBe('a moved\n');
});
