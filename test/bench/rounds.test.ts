import { describe, expect, it } from 'vitest';
import { Progress } from '../../bench/measure/progress.js';
import { inRounds, within } from '../../bench/measure/rounds.js';

describe('rounds', () => {
  it('measure everything once a round, in another order, and keep the answers apart', async () => {
    const order: string[] = [];
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const measurements = names.map((what) => ({
      what,
      measure: () => Promise.resolve(`${what}${order.push(what)}`),
    }));
    const answers = await inRounds(measurements, 3, () => {});
    expect(answers.map((each) => each.map((answer) => answer[0]))).toEqual(
      names.map((name) => [name, name, name]),
    );
    const orders = [0, 6, 12].map((at) => order.slice(at, at + 6));
    for (const each of orders) expect([...each].sort()).toEqual(names);
    expect(new Set(orders.map((each) => each.join(''))).size).toBeGreaterThan(1);
  });
});

describe('rounds that have so much time', () => {
  async function roundsIn(seconds: number, eachSeconds: number): Promise<number> {
    let now = 0;
    const measure = () => {
      now += eachSeconds / 2;
      return Promise.resolve(now);
    };
    const both = ['a', 'b'].map((what) => ({ what, measure }));
    const mayGoOn = within(seconds, () => now);
    const answers = await inRounds(both, 3, () => {}, mayGoOn);
    const [first, second] = answers.map((each) => each.length);
    expect(first).toBe(second);
    return first ?? 0;
  }

  it('are all, one at least, and no more than end in time', async () => {
    expect(await roundsIn(50, 10)).toBe(3);
    expect(await roundsIn(50, 20)).toBe(2);
    expect(await roundsIn(50, 25)).toBe(2);
    expect(await roundsIn(50, 26)).toBe(1);
    expect(await roundsIn(50, 1000)).toBe(1);
  });
});

describe('progress', () => {
  function shown(isTTY: boolean) {
    let text = '';
    let now = 0;
    const output = { isTTY, columns: 60, write: (more: string) => (text += more) };
    const progress = new Progress('measuring', output, () => now);
    for (let done = 1; done <= 4; done += 1) {
      now = 10_000 * done;
      progress.show({ what: 'a long name '.repeat(9), done, total: 4 });
    }
    progress.end();
    return text;
  }

  it('is one line on a terminal, never wider than it, with the time left', () => {
    const text = shown(true);
    expect(text).toContain('measuring: 1 of 4, 30 s left');
    expect(text).not.toMatch(/\n./);
    for (const line of text.split('\r\u001b[2K')) expect(line.trimEnd().length).toBeLessThan(60);
  });

  it('is a plain line now and then elsewhere', () => {
    expect(shown(false)).toBe(
      'measuring: 2 of 4, 20 s left\nmeasuring: 4 of 4, 0 s left\nmeasuring: done in 40 s\n',
    );
  });
});
