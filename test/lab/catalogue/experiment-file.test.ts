// Experiment files: what they say, and what is refused.
import { describe, expect, it } from 'vitest';
import { parseExperiment } from '../../../lib/lab/catalogue/experiment-file.js';
import { catalogue, experimentText } from '../measurements.js';

function parse(text: string) {
  return parseExperiment(text, 'trial.yaml', catalogue);
}

describe('an experiment file', () => {
  it('is parsed, and what it leaves out has its default', () => {
    expect(parse(experimentText)).toMatchObject({
      name: 'small',
      workloads: [
        { name: 'idle', options: {} },
        { name: 'working-set', options: { share: 0.25 } },
      ],
      links: [{ megabitsPerSecond: 1000, delayMs: 0, lossPercent: 0 }],
      guest: { processors: 1, memory: 'file', accelerator: 'auto' },
      sink: false,
    });
  });

  it.for([
    [
      'an unknown method',
      'methods: [plain, filter]',
      'methods: [plain, fast]',
      /line 11: methods.1:.*plain.*xbzrle.*filter/,
    ],
    [
      'an unknown workload',
      '- idle',
      '- sleep',
      /line 7: workloads.0: .*there is no workload 'sleep'.*working-set/,
    ],
    [
      'an unknown option of a workload',
      'share: 0.25',
      'size: 3',
      /line 8: workloads.1:.*size.*share, bytes/s,
    ],
    ['an unknown key', 'rounds: 2', 'round: 2', /line 2: the file:.*'round'/],
    ['too little memory', '256, 512', '256, 64', /line 10: memoryMiB.1:.*256/],
    ['a duplicate entry', '256, 512', '256, 256', /line 10: memoryMiB.1: duplicate entry/],
    ['another kind of YAML', experimentText, '[1, 2]', /line 1: the file:.*object/],
    ['invalid YAML', 'name: small', 'name: [small', /line \d+: /],
    ['a duplicate key', 'seed: 7', 'name: other', /line 3: .*unique/],
  ] as const)('is refused with the line of the problem: %s', ([, from, to, message]) => {
    expect(() => parse(experimentText.replace(from, to))).toThrow(message);
    expect(() => parse(experimentText.replace(from, to))).toThrow(
      /trial\.yaml is not a valid experiment file/,
    );
  });
});
