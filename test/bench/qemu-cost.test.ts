import { describe, expect, it } from 'vitest';
import { readOptions } from '../../bench/qemu/options.js';
import { reportOf } from '../../bench/qemu/report.js';
import { type Cost, costFile, costSchema, judge, type Sample } from '../../bench/qemu/results.js';
import { scenarios } from '../../bench/qemu/scenarios.js';
import { OptionError } from '../../lib/index.js';

function sample(changes: Partial<Sample> = {}): Sample {
  return {
    pages: 65_536,
    totalMs: 1000,
    downtimeMs: 20,
    bytes: 3e8,
    msAfter: 600,
    bytesAfter: 2e8,
    passes: 3,
    filter: null,
    channelMs: [],
    ...changes,
  };
}

const filter = { checked: 65_536, unchanged: 0, nsPerPage: 200 };

/** Everybody of these scenarios thrice; `change` makes some differ. */
function made(
  names: readonly string[],
  change: (contestant: string, round: number) => Sample,
): Cost {
  return costSchema.parse({
    format: 'fakedirty-qemu-cost-2',
    date: '2026-01-02',
    processor: 'Imaginary Processor',
    processors: 2,
    patched: 'QEMU 7.2.0, a tree',
    unpatched: 'QEMU 7.2.0, a tree',
    place: 'TCG',
    rounds: 3,
    samples: scenarios
      .filter(({ name }) => names.includes(name))
      .flatMap(({ name, contestants }) =>
        contestants.flatMap((contestant) =>
          [0, 1, 2].map((round) => ({
            scenario: name,
            contestant: contestant.name,
            round,
            sample: change(contestant.name, round),
          })),
        ),
      ),
  } satisfies Cost);
}

describe('the cost of the filter in QEMU', () => {
  it('is written with a line for each migration, and read as it was', () => {
    const cost = made(['all-fake'], () => sample());
    const text = costFile(cost);
    expect(JSON.parse(text)).toEqual(cost);
    expect(text.match(/"contestant"/g)).toHaveLength(cost.samples.length);
    expect(text.split('\n').filter((line) => line.includes('"round"'))).toHaveLength(
      cost.samples.length,
    );
  });

  it('is judged by medians, beside the QEMU without the series', () => {
    // One bad round of three.
    const cost = made(['nothing-fake'], (contestant, round) =>
      contestant === 'unpatched'
        ? sample()
        : sample({ totalMs: round === 1 ? 5000 : 1050, filter }),
    );
    const judged = judge(cost);
    expect(judged.find(({ goal }) => goal.figure === 'total time')).toMatchObject({
      value: 1.05,
      reached: true,
    });
    expect(judged.find(({ goal }) => goal.figure === 'filter a page')?.value).toBe(200);
  });

  it('misses a goal when it is too much', () => {
    const cost = made(['all-fake-1gbit'], (contestant) =>
      contestant === 'unpatched'
        ? sample()
        : sample({ msAfter: 61, bytesAfter: 2e6, filter: { ...filter, unchanged: 65_000 } }),
    );
    expect(judge(cost).map(({ goal, reached }) => [goal.figure, reached])).toEqual([
      ['bytes after', true],
      ['time after', false],
    ]);
    const report = reportOf(cost);
    expect(report).toMatch(/time after +0\.1 x +0\.102 +NOT reached/);
    expect(report).toMatch(/bytes after +0\.01 x +0\.0100 +reached/);
  });

  it('bounds a ratio by the upper end of its interval, round by round', () => {
    const cost = made(['nothing-fake'], (contestant, round) => {
      const slow = 1 + round;
      const ratio = contestant === 'default' ? 0.99 + round / 1000 : 1;
      return sample({
        msAfter: 600 * slow * ratio,
        ...(contestant === 'unpatched' ? {} : { filter }),
      });
    });
    const judged = judge(cost).find(({ goal }) => goal.figure === 'time after, 95 %');
    expect(judged?.interval?.ratio).toBeCloseTo(0.991, 3);
    expect(judged?.value).toBeCloseTo(0.9935, 3);
    expect(judged?.reached).toBe(true);
  });

  it('allows three looks at all pages, and some milliseconds, where all is fake', () => {
    const cost = made(['all-fake-50ms'], (contestant) =>
      contestant === 'unpatched' ? sample() : sample({ msAfter: 44, bytesAfter: 1e6, filter }),
    );
    const judged = judge(cost).find(({ goal }) => goal.figure === 'time after but three looks');
    expect(judged?.value).toBeCloseTo(44 - (3 * 65_536 * 200) / 1e6);
    expect(judged?.reached).toBe(true);
  });

  it('reports every scenario that was run, and no other', () => {
    const report = reportOf(made(['multifd'], () => sample({ filter, channelMs: [412, 97.34] })));
    expect(report).toMatch(/^multifd: /m);
    expect(report).not.toMatch(/nothing-fake/);
    expect(report).toMatch(/sha1 .* 200 .* 412 \+ 97\.3$/m);
  });
});

describe('the options of npm run bench:qemu', () => {
  it('are every scenario, nine times, on the QEMU of Debian 12', () => {
    expect(readOptions([])).toEqual({
      version: '7.2',
      rounds: 9,
      scenarios,
      out: 'build/bench-qemu',
      check: false,
      accelerator: 'auto',
    });
    expect(readOptions(['--help'])).toBe('help');
  });

  it('can choose', () => {
    const chosen = readOptions(['--version=8.1', '--scenarios', 'multifd, all-fake', '--rounds=3']);
    expect(chosen).toMatchObject({
      version: '8.1',
      rounds: 3,
      scenarios: [{ name: 'multifd' }, { name: 'all-fake' }],
    });
  });

  it.each([
    [['--version', '9.0'], /--version: is '9.0'; expected 7.2 or 8.1/],
    [['--rounds', '0'], /--rounds: is '0'; expected a whole number from 1 to 99/],
    [['--scenarios', 'all-fakes'], /--scenarios: is 'all-fakes'.*Did you mean 'all-fake'/],
    [['--out', ''], /--out: is empty/],
    [['--accelerator', 'xen'], /--accelerator: is 'xen'; expected auto, kvm or tcg/],
    [['--roundz', '3'], /roundz/],
  ])('that are wrong are named: %j', (args, problem) => {
    expect(() => readOptions(args)).toThrow(problem);
    expect(() => readOptions(args)).toThrow(OptionError);
  });
});
