// What virsh writes, read.
import { expect, it } from 'vitest';
import {
  lookWords,
  parseFigures,
  parseLook,
} from '../../../../lib/fleet/drivers/libvirt/answers.js';

const outgoing = [
  ...['Job type: 2', 'operation: 5', 'time_elapsed: 2197', 'downtime: 300', 'setup_time: 15'],
  ...['memory_total: 50667520', 'memory_processed: 9856141', 'memory_remaining: 39788544'],
  ...['memory_bps: 5042228', 'memory_iteration: 3'],
];

it('a domain that leaves is read with how far it is', () => {
  expect(parseLook([...outgoing, 'state=running (booted)'], '')).toEqual({
    state: 'running',
    reason: 'booted',
    job: 'outgoing',
    progress: {
      elapsedMs: 2197,
      status: 'active',
      sentBytes: 9_856_141,
      remainingBytes: 39_788_544,
      linkBytesPerSecond: 5_042_228,
      passes: 2,
    },
  });
});

it.each([
  [['Job type: 0'], '', 'none'],
  [['Job type: 2', 'operation: 4'], '', 'incoming'],
  [['Job type: 2', 'operation: 6'], '', 'other'],
  [
    [],
    'Operation not supported: migration statistics are available only on the source host',
    'incoming',
  ],
] as const)('the job of %j (%s) is %s', (lines, problem, job) => {
  const look = parseLook([...lines, 'state=paused (migrating)'], problem);
  expect(look).toMatchObject({ state: 'paused', reason: 'migrating', job });
});

it('nothing is concluded from a job or a state that is missing', () => {
  const problem = 'Timed out during operation: cannot acquire state change lock';
  expect(parseLook(['state=running (booted)'], problem)).toBeUndefined();
  expect(parseLook(['Job type: 0', 'state='], "failed to get domain 'vm'")).toBeUndefined();
  expect(parseLook(['Job type: 0'], '')).toBeUndefined();
  expect(parseLook([], 'failed to connect to the hypervisor')).toBeUndefined();
});

it('a state of two words is read whole', () => {
  // Its job can't be asked for.
  const look = parseLook(['state=shut off (migrated)'], 'domain is not running');
  expect(look).toMatchObject({ state: 'shut off', reason: 'migrated', job: 'none' });
});

it('the job is asked for before the state', () => {
  const [words = ''] = lookWords('vm');
  expect(words.indexOf('domjobinfo')).toBeLessThan(words.indexOf('domstate'));
});

it('figures are those of a migration that has ended, and of nothing else', () => {
  const completed = [
    ...['Job type: 3', 'operation: 4', 'time_elapsed: 1043', 'downtime: 47'],
    ...['memory_processed: 33302285', 'memory_iteration: 3'],
  ];
  expect(parseFigures(completed)).toEqual({
    timeMs: 1043,
    bytes: 33_302_285,
    downtimeMs: 47,
    passes: 3,
  });
  expect(parseFigures(outgoing)).toBeUndefined();
  expect(parseFigures(['Job type: 3', 'operation: 2'])).toBeUndefined();
  expect(parseFigures([])).toBeUndefined();
});
