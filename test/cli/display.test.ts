// How a migration looks on a terminal and elsewhere.
import { describe, expect, it } from 'vitest';
import { displayFor, guestText } from '../../lib/cli/display.js';
import { busy, calm, observe, preCopy } from '../policy/simulation.js';

function output(isTTY: boolean) {
  let text = '';
  const write = (part: string) => {
    text += part;
    return true;
  };
  return {
    stream: { isTTY, columns: 40, write } as unknown as NodeJS.WriteStream,
    text: () => text,
  };
}

const progress = {
  elapsedMs: 1234,
  status: 'active',
  sentBytes: 5e6,
  remainingBytes: 7e9,
  linkBytesPerSecond: 117e6,
};
const [first] = preCopy(calm, { count: 1 }).passes;
if (!first) throw new Error('no pass');

describe('a display', () => {
  it('rewrites its last line on a terminal, and keeps to its width', () => {
    const { stream, text } = output(true);
    const display = displayFor(stream, false);
    expect(display.isLive).toBe(true);
    display.progress(progress);
    display.pass(first, observe(calm, [first]));
    const [status, ...lines] = text().split('\r\x1b[2K').filter(Boolean);
    expect(status).toMatch(/^active, 1234 ms: 5\.0 MB sent/);
    expect(status?.length).toBeLessThan(40);
    expect(lines.every((line) => line.length < 80)).toBe(true);
    expect(lines.join('')).toMatch(/ 1 +9195 ms .* GB +0 +\d+ +\d/);
  });

  it('is plain lines elsewhere, without a status', () => {
    const { stream, text } = output(false);
    const display = displayFor(stream, false);
    display.progress(progress);
    display.pass(first, observe(calm, [first]));
    display.pass({ ...first, number: 5, merged: 3, throttlePercent: 20 }, observe(busy, [first]));
    expect(text()).not.toContain('\x1b');
    expect(text().split('\n')).toEqual([
      expect.stringMatching(/pass +time +sent/),
      expect.stringMatching(/^ +1 +9195 ms .* \(.* to .*\)$/),
      expect.stringMatching(/^ +3-5 .*guest slowed by 20 %$/),
      '',
    ]);
  });

  it('does not say what was sent again before anything could be', () => {
    const { stream, text } = output(false);
    const result = {
      outcome: 'failed',
      reason: 'Refused.',
      totalMs: 139,
      bytes: { total: 0, multifd: 0 },
    } as const;
    displayFor(stream, false).end({
      ...result,
      guest: { where: 'source', status: 'running', running: true },
      pages: { normal: 0, zero: 0 },
      passes: [],
      policyEvaluations: [],
      dirtyPagesPerSecond: 0,
      throttlePercent: 0,
    });
    expect(text()).toMatch(/^failed after 139 ms: 0 kB sent\.$/m);
  });

  it('says where the guest is', () => {
    expect(guestText({ where: 'source', status: 'running', running: true })).toBe(
      'The guest is at the source and runs.',
    );
    expect(guestText({ where: 'source', status: 'paused', running: false })).toMatch(
      /not run \(paused/,
    );
    expect(guestText({ where: 'both', status: 'postcopy-paused', running: false })).toMatch(
      /parts/,
    );
    expect(guestText({ where: 'destination', status: 'unknown', running: true })).not.toMatch(
      /runs/,
    );
  });
});
