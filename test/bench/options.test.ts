import { describe, expect, it } from 'vitest';
import { readOptions } from '../../bench/options.js';
import { algorithmNames, OptionError } from '../../lib/index.js';

function problemOf(...args: string[]): OptionError {
  try {
    readOptions(args);
  } catch (error) {
    if (error instanceof OptionError) return error;
    throw error;
  }
  throw new Error('nothing was wrong');
}

describe('the options of npm run bench', () => {
  it('are everything, five times, unless told otherwise', () => {
    expect(readOptions([])).toEqual({
      quick: false,
      json: false,
      check: false,
      out: 'build/bench',
      compare: undefined,
      algorithms: algorithmNames,
      pageSizesBytes: [4096, 16384, 65536],
      contents: ['random', 'text', 'zero', 'half-zero'],
      modes: ['batch', 'page', 'batch-async', 'page-async'],
      rounds: 5,
      enoughAfterSeconds: undefined,
    });
  });

  it('are little, with --quick, but what is named is measured', () => {
    expect(readOptions(['--quick'])).toMatchObject({
      pageSizesBytes: [4096],
      contents: ['random'],
      modes: ['batch', 'page'],
      rounds: 3,
      enoughAfterSeconds: 50,
    });
    expect(
      readOptions([
        '--quick',
        '--page-size',
        '65536,4096',
        '--contents=zero',
        '--modes=page-async',
        '--rounds',
        '7',
      ]),
    ).toMatchObject({
      pageSizesBytes: [4096, 65536],
      contents: ['zero'],
      modes: ['page-async'],
      rounds: 7,
      enoughAfterSeconds: undefined,
    });
  });

  it('take algorithms in any order, each once', () => {
    expect(readOptions(['--algorithms', 'crc32, ph128,crc32'])).toMatchObject({
      algorithms: ['ph128', 'crc32'],
    });
  });

  it('answer with help before anything else is looked at', () => {
    expect(readOptions(['--help', '--rounds', 'many'])).toBe('help');
  });

  it.each([
    [['--algorithms', 'sha-1'], '--algorithms', 'sha1'],
    [['--algorithms', ''], '--algorithms', undefined],
    [['--page-size', '4095'], '--page-size', '4096'],
    [['--contents', 'zeros'], '--contents', 'zero'],
    [['--modes', 'pages'], '--modes', 'page'],
    [['--rounds', '0'], '--rounds', undefined],
    [['--rounds', '1e1'], '--rounds', undefined],
    [['--out', ''], '--out', undefined],
    [['--quik'], '--quik', '--quick'],
  ])('%j are refused, by name, with the nearest that there is', (args, option, nearest) => {
    expect(problemOf(...args)).toMatchObject({ option, nearest });
  });

  it('refuse words and missing values', () => {
    expect(problemOf('quick').message).toMatch(/quick/);
    expect(problemOf('--out').message).toMatch(/--out/);
  });
});
